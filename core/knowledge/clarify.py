"""When the topic is sure but not the article: which two or three to offer as "did you mean …?"."""

from core.knowledge.index import Hit, Retrieval

# Measured on dev parts: of the questions so offered (8 to 11 in 100), the right article is among the candidates in
# 93 to 96 of 100 on Banking77 and CLINC150 and in 88 on the demo shop; hardly any is about something not covered.
SURE_TOPIC = 0.85
NEAR = 0.08  # of the first article's score
MOST = 3


def candidates(retrieval: Retrieval, threshold: float) -> tuple[Hit, ...]:
    """Two or three hits to choose from, or none: the answer is sure enough, or the topic is not, or nothing is near."""
    if not retrieval.hits or retrieval.confidence >= threshold or retrieval.topic < SURE_TOPIC:
        return ()
    best = retrieval.hits[0].score
    near = tuple(hit for hit in retrieval.hits[:MOST] if hit.score >= best - NEAR)
    return near if len(near) > 1 else ()
