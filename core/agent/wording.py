"""The few sentences the assistant says of itself, in the customer's language. An organization may replace them."""

from __future__ import annotations

from core.agent.state import Reason
from core.nlp.intents import Courtesy

HANDED_OVER = {
    "en": "I've passed this on to a colleague, who will reply to you here. Your ticket number is #{number}.",
    "de": "Ich habe das an eine Kollegin oder einen Kollegen weitergegeben; die Antwort kommt hier. Ihre Ticketnummer ist #{number}.",
    "fr": "J'ai transmis votre demande à un collègue, qui vous répondra ici. Votre numéro de ticket est le #{number}.",
    "es": "He pasado su consulta a una persona del equipo, que le responderá aquí. Su número de ticket es el #{number}.",
    "it": "Ho passato la richiesta a un collega, che le risponderà qui. Il numero del suo ticket è #{number}.",
    "pt": "Passei o seu pedido a uma pessoa da equipa, que responderá aqui. O número do seu ticket é #{number}.",
    "nl": "Ik heb uw vraag doorgegeven aan een collega, die u hier antwoordt. Uw ticketnummer is #{number}.",
    "pl": "Przekazałem sprawę osobie z zespołu, która odpowie tutaj. Numer zgłoszenia: #{number}.",
    "sv": "Jag har skickat frågan vidare till en kollega som svarar dig här. Ditt ärendenummer är #{number}.",
    "da": "Jeg har sendt det videre til en kollega, som svarer dig her. Dit sagsnummer er #{number}.",
    "cs": "Předal jsem to kolegovi, který vám odpoví zde. Číslo vašeho požadavku je #{number}.",
    "tr": "Talebinizi bir ekip arkadaşımıza ilettim; size buradan yanıt verecek. Talep numaranız #{number}.",
    "ru": "Я передал ваш вопрос сотруднику, он ответит вам здесь. Номер обращения: #{number}.",
    "uk": "Я передав ваше запитання співробітнику, він відповість тут. Номер звернення: #{number}.",
    "ja": "担当者に引き継ぎました。こちらに返信いたします。お問い合わせ番号は #{number} です。",
    "zh": "我已将您的问题转交给同事，他们会在这里回复您。您的工单号是 #{number}。",
    "ar": "لقد أحلتُ طلبك إلى أحد زملائنا وسيرد عليك هنا. رقم تذكرتك هو #{number}.",
}
STILL_OPEN = {
    "en": "I can't answer that one either, so I've added it to your ticket #{number}. A colleague will reply to you here.",
    "de": "Auch das kann ich nicht beantworten; ich habe es Ihrem Ticket #{number} hinzugefügt. Die Antwort kommt hier.",
    "fr": "Je ne peux pas non plus y répondre : je l'ai ajouté à votre ticket #{number}. Un collègue vous répondra ici.",
    "es": "Tampoco puedo responder a eso; lo he añadido a su ticket #{number}. Una persona le responderá aquí.",
    "it": "Non so rispondere nemmeno a questo: l'ho aggiunto al suo ticket #{number}. Un collega le risponderà qui.",
    "nl": "Ook dat kan ik niet beantwoorden; ik heb het aan ticket #{number} toegevoegd. Een collega antwoordt u hier.",
}
COURTESIES: dict[Courtesy, dict[str, str]] = {
    "thanks": {
        "en": "You're welcome! Is there anything else I can help with?",
        "de": "Gern geschehen! Kann ich sonst noch helfen?",
        "fr": "Avec plaisir ! Puis-je vous aider pour autre chose ?",
        "es": "¡De nada! ¿Puedo ayudarle en algo más?",
        "it": "Prego! Posso aiutarla con altro?",
        "pt": "De nada! Posso ajudar em mais alguma coisa?",
        "nl": "Graag gedaan! Kan ik nog ergens mee helpen?",
    },
    "goodbye": {
        "en": "Goodbye, and thank you for writing!",
        "de": "Auf Wiedersehen, und danke für Ihre Nachricht!",
        "fr": "Au revoir, et merci de votre message !",
        "es": "¡Hasta luego, y gracias por escribirnos!",
        "it": "Arrivederci, e grazie del messaggio!",
        "pt": "Até breve, e obrigado pela mensagem!",
        "nl": "Tot ziens, en bedankt voor uw bericht!",
    },
    "greeting": {
        "en": "Hello! How can I help?",
        "de": "Hallo! Wie kann ich helfen?",
        "fr": "Bonjour ! Comment puis-je vous aider ?",
        "es": "¡Hola! ¿En qué puedo ayudarle?",
        "it": "Buongiorno! Come posso aiutarla?",
        "pt": "Olá! Como posso ajudar?",
        "nl": "Hallo! Waarmee kan ik helpen?",
    },
    "self": {
        "en": "You are talking to an automatic assistant, not a person: {assistant} of {name}. I answer from {name}'s help pages. Write that you want a person, and a colleague takes over.",
        "de": "Hier antwortet ein automatischer Assistent, kein Mensch: {assistant} von {name}. Ich antworte aus den Hilfeseiten von {name}. Schreiben Sie, dass Sie einen Menschen möchten, und jemand aus dem Team übernimmt.",
        "fr": "Vous parlez à un assistant automatique, pas à une personne : {assistant} de {name}. Je réponds à partir des pages d'aide de {name}. Écrivez que vous voulez parler à une personne, et un collègue prendra le relais.",
        "es": "Está hablando con un asistente automático, no con una persona: {assistant} de {name}. Respondo con las páginas de ayuda de {name}. Escriba que quiere hablar con una persona y alguien del equipo le atenderá.",
        "it": "Sta parlando con un assistente automatico, non con una persona: {assistant} di {name}. Rispondo dalle pagine di aiuto di {name}. Scriva che vuole parlare con una persona e subentrerà un collega.",
        "pt": "Está a falar com um assistente automático, não com uma pessoa: {assistant} de {name}. Respondo a partir das páginas de ajuda de {name}. Escreva que quer falar com uma pessoa e alguém da equipa assume.",
        "nl": "U praat met een automatische assistent, niet met een mens: {assistant} van {name}. Ik antwoord vanuit de hulppagina's van {name}. Schrijf dat u een mens wilt spreken, en een collega neemt het over.",
    },
}
DID_YOU_MEAN = {
    "en": "Just to be sure I understand you: which of these do you mean?",
    "de": "Nur damit ich Sie richtig verstehe: Was davon meinen Sie?",
    "fr": "Pour être sûr de bien vous comprendre : de quoi s'agit-il ?",
    "es": "Para entenderle bien: ¿a cuál de estos temas se refiere?",
    "it": "Per essere sicuro di aver capito: quale di questi intende?",
    "pt": "Só para ter a certeza de que percebi: a qual destes se refere?",
    "nl": "Om zeker te zijn dat ik u begrijp: welke van deze bedoelt u?",
    "pl": "Żeby dobrze Państwa zrozumieć: o co dokładnie chodzi?",
    "sv": "Bara så att jag förstår dig rätt: vilket av detta menar du?",
}
HOW_WAS_IT = {
    "en": "How did we do? We'd like to hear how you found our help.",
    "de": "Wie zufrieden waren Sie mit unserer Hilfe?",
    "fr": "Comment avez-vous trouvé notre aide ?",
    "es": "¿Qué le ha parecido nuestra ayuda?",
    "it": "Come ha trovato il nostro aiuto?",
    "pt": "O que achou da nossa ajuda?",
    "nl": "Wat vond u van onze hulp?",
    "pl": "Jak ocenia Pan/Pani naszą pomoc?",
    "sv": "Vad tyckte du om vår hjälp?",
    "da": "Hvad syntes du om vores hjælp?",
}
REASONS: dict[Reason, str] = {
    "asked_for_human": "The customer asked for a person.",
    "no_knowledge": "The documents do not cover this.",
    "low_confidence": "The documents may cover this, but the answer is not certain enough.",
    "frustrated": "The customer is upset.",
    "sensitive": "This is a delicate matter (legal, safety or security).",
    "repeated": "The customer asked again: the earlier answer did not help.",
    "mode_draft": "Answers of this kind are always checked by a person.",
    "quota": "The plan's automatic answers are used up for this month.",
    "error": "The assistant failed on this message.",
}
"""For agents."""


def in_language(texts: dict[str, str], language: str) -> str:
    return texts.get(language) or texts["en"]


def courtesy(kind: Courtesy, language: str, assistant: str, name: str) -> str:
    return in_language(COURTESIES[kind], language).format(assistant=assistant, name=name)


def answers_nothing(text: str) -> bool:
    """Whether a message of ours is one of the sentences above, and so cannot be an answer that did not help."""
    return any(
        text.startswith(fixed.partition("{")[0])
        for texts in (HANDED_OVER, STILL_OPEN, DID_YOU_MEAN, *COURTESIES.values())
        for fixed in texts.values()
    )


def handed_over(language: str, number: int, *, again: bool) -> str:
    """What the customer is told. `again`: their ticket was open already, and this is one more open question."""
    texts = STILL_OPEN if again and language in STILL_OPEN else HANDED_OVER
    return in_language(texts, language).format(number=number)
