"""When the topic is sure but not the article: which two or three to offer as "did you mean …?"."""

from core.knowledge.index import Hit, Retrieval

# 8 to 28 in 100 questions are so offered, and the right article is among the candidates in 92 of 100 on Banking77, 96
# on CLINC150, 94 to 100 on the demo shop and the ten trades, and 57 on covid_faq (docs/evaluation.md).
SURE_TOPIC = 0.9
NEAR = 0.16  # of the first article's score
MOST = 3


def candidates(retrieval: Retrieval, threshold: float) -> tuple[Hit, ...]:
    """Two or three hits to choose from, or none: the answer is sure enough, or the topic is not, or nothing is near."""
    if not retrieval.hits or retrieval.confidence >= threshold or retrieval.topic < SURE_TOPIC:
        return ()
    best = retrieval.hits[0].score
    near = tuple(hit for hit in retrieval.hits[:MOST] if hit.score >= best - NEAR)
    return near if len(near) > 1 else ()
