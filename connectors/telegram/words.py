"""What the bot itself says, in the languages that it speaks; the business's own words come from its settings."""

from __future__ import annotations

from typing import Literal

Text = Literal[
    "helpful", "unhelpful", "person", "thanks", "human", "new", "no_tickets", "tickets", "open", "pending", "resolved",
    "language", "language_set", "privacy", "erase", "erase_sure", "erase_yes", "erase_no", "erased", "kept",
    "link", "link_sent", "link_wrong", "linked", "no_mail", "code_subject", "code_text", "rated", "unknown", "unfit",
]  # fmt: skip
LANGUAGES = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "it": "Italiano", "nl": "Nederlands"}
COMMANDS: dict[str, dict[str, str]] = {
    "en": {"start": "Greeting and common questions", "human": "Talk to a person", "new": "Begin a new conversation",
           "status": "How your tickets stand", "language": "Choose your language",
           "link": "Tell us your e-mail address", "privacy": "What is stored, and how to erase it"},
    "de": {"start": "Begrüßung und häufige Fragen", "human": "Mit einem Menschen sprechen",
           "new": "Ein neues Gespräch beginnen", "status": "Wie es um Ihre Tickets steht", "language": "Sprache wählen",
           "link": "Ihre E-Mail-Adresse angeben", "privacy": "Was gespeichert ist und wie Sie es löschen"},
    "fr": {"start": "Accueil et questions fréquentes", "human": "Parler à une personne",
           "new": "Commencer une nouvelle conversation", "status": "Où en sont vos tickets",
           "language": "Choisir votre langue", "link": "Indiquer votre adresse e-mail",
           "privacy": "Ce qui est conservé et comment l'effacer"},
    "es": {"start": "Saludo y preguntas frecuentes", "human": "Hablar con una persona",
           "new": "Empezar otra conversación", "status": "Cómo van sus tickets", "language": "Elegir idioma",
           "link": "Indicar su correo electrónico", "privacy": "Qué se guarda y cómo borrarlo"},
    "it": {"start": "Saluto e domande frequenti", "human": "Parlare con una persona",
           "new": "Iniziare una nuova conversazione", "status": "A che punto sono i ticket",
           "language": "Scegliere la lingua", "link": "Indicare l'indirizzo e-mail",
           "privacy": "Che cosa è salvato e come cancellarlo"},
    "nl": {"start": "Begroeting en veelgestelde vragen", "human": "Met een mens praten",
           "new": "Een nieuw gesprek beginnen", "status": "Hoe het met uw tickets staat", "language": "Taal kiezen",
           "link": "Uw e-mailadres doorgeven", "privacy": "Wat er is opgeslagen en hoe u het wist"},
}  # fmt: skip
TEXTS: dict[str, dict[Text, str]] = {
    "en": {
        "helpful": "👍 Helpful", "unhelpful": "👎 Not helpful", "person": "🙋 Talk to a person",
        "thanks": "Thank you!", "human": "I would like to talk to a person.",
        "new": "A new conversation. What can we do for you?",
        "no_tickets": "You have no open tickets.", "tickets": "Your tickets:",
        "open": "with our team", "pending": "waiting for you", "resolved": "solved",
        "language": "Which language do you prefer?", "language_set": "We'll write to you in English.",
        "privacy": "We keep your name on Telegram, your messages and files, and our replies, so that we can help you.",
        "kept": "Stored just now: {conversations} conversation(s), {messages} message(s), {tickets} ticket(s).",
        "erase": "🗑 Erase everything about me", "erase_sure": "Really erase it all? Nobody can bring it back.",
        "erase_yes": "Yes, erase it", "erase_no": "No, keep it",
        "erased": "Everything that we had stored about you is erased.",
        "link": "Send /link and your e-mail address, such as: /link dana@example.com",
        "link_sent": "We've sent a code to {email}. Send it here: /link 123456",
        "link_wrong": "This code is not right, or too old. Ask for a new one: /link your@address",
        "linked": "Thank you. We know you as {email} now.",
        "no_mail": "We cannot send mail just now, so your address cannot be checked. Please try later.",
        "code_subject": "Your code: {code}",
        "code_text": "Somebody wants to link this address to a Telegram chat with {name}.\n\nIf it was you, send this"
                     " to the bot within 15 minutes:\n\n/link {code}\n\nIf it was not you, ignore this mail.",
        "rated": "Thank you for telling us!", "unknown": "I don't know this command. These I know:",
        "unfit": "This button is of no use any more.",
    },
    "de": {
        "helpful": "👍 Hilfreich", "unhelpful": "👎 Nicht hilfreich", "person": "🙋 Mit einem Menschen sprechen",
        "thanks": "Danke!", "human": "Ich möchte mit einem Menschen sprechen.",
        "new": "Ein neues Gespräch. Was können wir für Sie tun?",
        "no_tickets": "Sie haben keine offenen Tickets.", "tickets": "Ihre Tickets:",
        "open": "bei unserem Team", "pending": "wartet auf Sie", "resolved": "gelöst",
        "language": "Welche Sprache möchten Sie?", "language_set": "Wir schreiben Ihnen auf Deutsch.",
        "privacy": "Wir speichern Ihren Namen bei Telegram, Ihre Nachrichten und Dateien und unsere Antworten, damit wir"
                   " Ihnen helfen können.",
        "kept": "Gespeichert sind: {conversations} Gespräch(e), {messages} Nachricht(en), {tickets} Ticket(s).",
        "erase": "🗑 Alles über mich löschen", "erase_sure": "Wirklich alles löschen? Niemand kann es zurückholen.",
        "erase_yes": "Ja, löschen", "erase_no": "Nein, behalten",
        "erased": "Alles, was wir über Sie gespeichert hatten, ist gelöscht.",
        "link": "Schicken Sie /link und Ihre E-Mail-Adresse, zum Beispiel: /link dana@example.com",
        "link_sent": "Wir haben einen Code an {email} geschickt. Schicken Sie ihn hierher: /link 123456",
        "link_wrong": "Dieser Code stimmt nicht oder ist zu alt. Einen neuen gibt es mit: /link ihre@adresse",
        "linked": "Danke. Wir kennen Sie jetzt als {email}.",
        "no_mail": "Wir können gerade keine E-Mail schicken und Ihre Adresse nicht prüfen. Bitte später noch einmal.",
        "code_subject": "Ihr Code: {code}",
        "code_text": "Jemand möchte diese Adresse mit einem Telegram-Chat mit {name} verbinden.\n\nWaren Sie das, dann"
                     " schicken Sie dem Bot innerhalb von 15 Minuten:\n\n/link {code}\n\nSonst ist nichts zu tun.",
        "rated": "Danke für Ihre Rückmeldung!", "unknown": "Diesen Befehl kenne ich nicht. Diese kenne ich:",
        "unfit": "Dieser Knopf gilt nicht mehr.",
    },
    "fr": {
        "helpful": "👍 Utile", "unhelpful": "👎 Pas utile", "person": "🙋 Parler à une personne", "thanks": "Merci !",
        "human": "Je voudrais parler à une personne.", "new": "Une nouvelle conversation. Que pouvons-nous faire ?",
        "no_tickets": "Vous n'avez pas de ticket ouvert.", "tickets": "Vos tickets :",
        "open": "chez notre équipe", "pending": "en attente de vous", "resolved": "résolu",
        "language": "Quelle langue préférez-vous ?", "language_set": "Nous vous écrirons en français.",
        "kept": "Conservé : {conversations} conversation(s), {messages} message(s), {tickets} ticket(s).",
        "erase": "🗑 Tout effacer à mon sujet", "erase_sure": "Vraiment tout effacer ? C'est définitif.",
        "erase_yes": "Oui, effacer", "erase_no": "Non, garder", "erased": "Tout ce qui vous concernait est effacé.",
        "rated": "Merci de votre réponse !",
    },
    "es": {
        "helpful": "👍 Útil", "unhelpful": "👎 No es útil", "person": "🙋 Hablar con una persona", "thanks": "¡Gracias!",
        "human": "Quiero hablar con una persona.", "new": "Una nueva conversación. ¿Qué podemos hacer por usted?",
        "no_tickets": "No tiene tickets abiertos.", "tickets": "Sus tickets:",
        "open": "con nuestro equipo", "pending": "a la espera de usted", "resolved": "resuelto",
        "language": "¿Qué idioma prefiere?", "language_set": "Le escribiremos en español.",
        "kept": "Guardado: {conversations} conversación(es), {messages} mensaje(s), {tickets} ticket(s).",
        "erase": "🗑 Borrar todo sobre mí", "erase_sure": "¿Borrarlo todo? No se puede recuperar.",
        "erase_yes": "Sí, borrar", "erase_no": "No, conservar", "erased": "Se ha borrado todo lo que guardábamos de usted.",
        "rated": "¡Gracias por su respuesta!",
    },
    "it": {
        "helpful": "👍 Utile", "unhelpful": "👎 Non utile", "person": "🙋 Parlare con una persona", "thanks": "Grazie!",
        "human": "Vorrei parlare con una persona.", "new": "Una nuova conversazione. Che cosa possiamo fare per lei?",
        "no_tickets": "Non ha ticket aperti.", "tickets": "I suoi ticket:",
        "open": "presso il nostro team", "pending": "in attesa di lei", "resolved": "risolto",
        "language": "Quale lingua preferisce?", "language_set": "Le scriveremo in italiano.",
        "kept": "Salvati: {conversations} conversazione/i, {messages} messaggio/i, {tickets} ticket.",
        "erase": "🗑 Cancellare tutto su di me", "erase_sure": "Cancellare davvero tutto? Non si può annullare.",
        "erase_yes": "Sì, cancellare", "erase_no": "No, tenere", "erased": "Tutto ciò che avevamo su di lei è cancellato.",
        "rated": "Grazie per la risposta!",
    },
    "nl": {
        "helpful": "👍 Nuttig", "unhelpful": "👎 Niet nuttig", "person": "🙋 Met een mens praten", "thanks": "Bedankt!",
        "human": "Ik wil graag met een mens praten.", "new": "Een nieuw gesprek. Wat kunnen we voor u doen?",
        "no_tickets": "U heeft geen open tickets.", "tickets": "Uw tickets:",
        "open": "bij ons team", "pending": "wacht op u", "resolved": "opgelost",
        "language": "Welke taal wilt u?", "language_set": "We schrijven u in het Nederlands.",
        "kept": "Opgeslagen: {conversations} gesprek(ken), {messages} bericht(en), {tickets} ticket(s).",
        "erase": "🗑 Alles over mij wissen", "erase_sure": "Echt alles wissen? Het is niet terug te halen.",
        "erase_yes": "Ja, wissen", "erase_no": "Nee, bewaren", "erased": "Alles wat we van u hadden is gewist.",
        "rated": "Bedankt voor uw reactie!",
    },
}  # fmt: skip


def spoken(language: str | None) -> str:
    """The language of ours that is the person's, or English."""
    base = (language or "en").partition("-")[0].lower()
    return base if base in LANGUAGES else "en"


def say(text: Text, language: str | None, **values: object) -> str:
    words = TEXTS[spoken(language)].get(text) or TEXTS["en"][text]
    return words.format(**values) if values else words
