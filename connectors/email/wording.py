"""The words mail programs use in many languages: for what they quote, forward and sign, and when they answer alone."""

from __future__ import annotations

WROTE = (
    "wrote|writes|quoting|zitat von|citando a?|selon|citat från|citerer|citaat van|schrieb(?:st|en)?|hat geschrieben|a écrit|a ecrit|escribió|escribio|ha escrit|ha scritto|scrive"
    "|escreveu|schreef|geschreven|napisał(?:a|\\(a\\))?|pisze|skrev|kirjoitti|napsal(?:a|\\(a\\))?|napísal(?:a"
    "|\\(a\\))?"
    "|написал(?:а|\\(а\\))?|пишет|писал(?:а|\\(а\\))?|написав(?:\\(ла\\))?|написала|пише|yazdı|yazmış"
    "|ezt írta|írta|a scris|έγραψε|написа|je napisao|je napisala|je napisao/la|kirjutas|rašė|rakstīja|đã viết|menulis"
    "|เขียนว่า|写道|寫道|写到|のメール|は書きました|が書きました|さんからのメール|님이 작성|작성(?:하였습니다|함)"
    "|كتب(?:ت)?|تمت كتابة ما يلي بواسطة|כתב(?:/ה|ה)?|מאת"
)
ATTRIBUTION_STARTS = (
    "On|At|In a message dated|Quoting|Am|Zitat von|Le|El|Il|Em|No dia|A|Op|Den|Dne|Dňa|Dnia|W dniu|În|Pe|Στις"
    "|Την|Vào|Pada"
    "|På|Kl|Tarih|في|בתאריך|ב-|在|於"
)
FROM = (
    "From|Von|De|Da|Van|Od|Fra|Från|Lähettäjä|От|От кого|Від|Від кого|Kimden|Gönderen|差出人|送信者|发件人|寄件者|寄件人"
    "|보낸 사람|보낸사람|מאת|من|Feladó|De la|Από|Expéditeur|Remitente|Mittente|Remetente|Afzender|Absender|Avsändare"
    "|Afsender|Avsender|Odesílatel|Nadawca|Отправитель"
)
SENT = (
    "Sent|Date|Gesendet|Gesendet am|Datum|Envoyé|Envoyé le|Enviado|Enviado el|Enviado em|Enviada em|Enviado a|Fecha"
    "|Inviato|Data|Verzonden|Wysłano|Wysłane|Skickat|Sendt|Dato|Lähetetty|Päivämäärä|Päiväys|Odesláno|Отправлено|Дата"
    "|Надіслано|Gönderildi|Gönderme Tarihi|Tarih|送信日時|日付|日時|发送时间|发送日期|日期|傳送日期|寄件日期|보낸 날짜|날짜"
    "|נשלח|תאריך|تاريخ الإرسال|التاريخ|تم الإرسال|Elküldve|Dátum|Trimis|Στάλθηκε|Ημερομηνία|Received"
)
TO = (
    "To|An|À|A|Para|Per|Aan|Do|Till|Til|Vastaanottaja|Komu|Кому|Kime|Alıcı|宛先|收件人|받는 사람|받는사람|אל|إلى|Pour"
    "|Destinataire|Destinatario|Empfänger|Cc|CC|Kopie|Kopia|Kopi|Copia|Копия|Копія|Bilgi|抄送|副本|참조|עותק|نسخة"
    "|Címzett|Către|Προς|Reply-To|Reply to|Antwort an|Répondre à"
)
SUBJECT = (
    "Subject|Betreff|Objet|Sujet|Asunto|Oggetto|Assunto|Onderwerp|Temat|Ämne|Emne|Aihe|Předmět|Тема|Konu|件名|主题|主旨"
    "|제목|נושא|الموضوع|Tárgy|Subiect|Θέμα|Predmet"
)
ORIGINAL = (
    "original message|original email|ursprüngliche nachricht|originalnachricht|original-nachricht|message d'origine"
    "|message original|message d’origine|mensaje original|messaggio originale|messaggio di origine|mensagem original"
    "|oorspronkelijk bericht|origineel bericht|wiadomość oryginalna|oryginalna wiadomość|originalmeddelande"
    "|ursprungligt meddelande|oprindelig meddelelse|original meddelelse|opprinnelig melding|alkuperäinen viesti"
    "|původní zpráva|původní e-mail|исходное сообщение|оригинальное сообщение|вихідне повідомлення|orijinal mesaj"
    "|özgün ileti|orijinal ileti|元のメッセージ|原始邮件|原始郵件|原邮件|원본 메일|원본 메시지|הודעה מקורית|ההודעה המקורית"
    "|الرسالة الأصلية|رسالة أصلية|eredeti üzenet|mesaj original|αρχικό μήνυμα"
)
FORWARDED = (
    "forwarded message|forwarded by|forwarded mail|weitergeleitete nachricht|weitergeleitet von|message transféré"
    "|message réexpédié|mensaje reenviado|messaggio inoltrato|inizio messaggio inoltrato|mensagem encaminhada"
    "|mensagem reencaminhada|doorgestuurd bericht|wiadomość przekazana|przekazana wiadomość"
    "|treść przekazanej wiadomości"
    "|vidarebefordrat meddelande|vidarebefordrat brev|videresendt meddelelse|videresendt besked|videresendt melding"
    "|välitetty viesti|edelleenlähetetty viesti|přeposlaná zpráva|пересылаемое сообщение|пересланное сообщение"
    "|переадресоване повідомлення|переслане повідомлення|iletilmiş mesaj|yönlendirilmiş ileti|iletilen ileti"
    "|転送メッセージ|转发邮件|轉寄郵件|전달된 메일|전달된 메시지|הודעה שהועברה|رسالة معاد توجيهها|الرسالة المعاد توجيهها"
    "|begin forwarded message|anfang der weitergeleiteten|début du message réexpédié|début du message transféré"
    "|inicio del mensaje reenviado|início da mensagem reencaminhada|begin doorgestuurd bericht"
    "|начало переадресованного сообщения|vidarebefordrat mejl|start på videresendt|začátek přeposlané zprávy"
)
FORWARD_SUBJECT = "fwd?|fw|wg|wtr|tr|rv|i|enc|doorst|vb|vs|vl|pd|přep|пересл|fwd|pr|転送|转发|轉寄|전달|הועבר|إعادة توجيه|ilt|vid\\.?|továbbítás"
REPLY_ABOVE = (
    "reply above this line|type your reply above this line|write above this line|reply above the line"
    "|antworten sie (?:bitte )?oberhalb dieser (?:zeile|linie)|oberhalb dieser (?:zeile|linie) antworten"
    "|über dieser linie antworten|répondez? au-dessus de cette ligne|répondre au-dessus de cette ligne"
    "|(?:responda|escriba su respuesta) (?:por )?encima de esta línea|rispondi sopra questa (?:riga|linea)"
    "|responda acima desta linha|antwoord boven deze (?:lijn|regel)|odpowiedz powyżej tej linii"
    "|svara ovanför (?:denna|den här) (?:linje|rad(?:en)?)|svar over denne linje|svar over denne linjen"
    "|ответьте выше этой (?:линии|строки)|この線より上に返信|请在此行上方回复"
)
SENT_FROM = (
    "sent (?:from|via|with|using|by) (?:my|mail|yahoo|outlook|the|a|an|proton|gmail|samsung|mailbird|spark|zoho|hey"
    "|android|iphone|ipad|blackberry|windows|aol|airmail|thunderbird|k-9|web\\.de|gmx|mobile|tuta|secure"
    "|superhuman|front)\\b"
    "|sent from \\S{1,30}$|get (?:outlook|yahoo mail|bluemail|boxer) for|get bluemail"
    "|von meinem .{2,60} gesendet|gesendet (?:von|mit|aus|über) \\S|diese nachricht wurde von meinem"
    "|diese e-?mail wurde von"
    "|(?:holen sie sich|laden sie|hol dir) outlook f|outlook für (?:ios|android)"
    "|envoyé (?:de(?:puis)?|à partir|par|avec|via) |téléchargez? outlook pour|obtenir outlook pour"
    "|obtenez outlook pour"
    "|enviado (?:desde|do|de|a partir|con|com|via|por) (?:mi|meu|o|el|outlook|yahoo|correo|iphone|ipad|android"
    "|samsung|mail|um|un|gmail|dispositivo)\\b"
    "|(?:obtener|obtén|descargar|descarga) outlook para|obter o outlook para|obtenha o outlook para"
    "|baixe o outlook para"
    "|inviato (?:da|dal|con|tramite) |(?:ottieni|scarica|ottenere) outlook per"
    "|verzonden (?:vanaf|vanuit|met|van|via) |verstuurd (?:vanaf|met|vanuit|via) |(?:outlook voor"
    "|download outlook voor) "
    "|wysłan[eoy] (?:z|ze|za pomocą|przez) |(?:pobierz|uzyskaj) (?:program |aplikację )?outlook "
    "|skickat (?:från|med|via) |skickades från|hämta outlook för"
    "|sendt (?:fra|med|via) |hent outlook (?:til|for)|få outlook for"
    "|lähetetty (?:\\S+ )?(?:iphone|ipad|android|samsung|puhelimesta|laitteesta|sähköposti|outlook)|hanki outlook"
    "|odesláno (?:z|ze|pomocí|přes) |stáhnout outlook|získat outlook|získejte outlook"
    "|отправлено (?:с|со|из|через) |отправлено на |скачать outlook|получить outlook|загрузить outlook"
    "|надіслано (?:з|із|через) |отримати outlook|завантажити outlook"
    "|.{2,40}(?:['’]?d[ae]n|['’]?[uıiü]md[ae]n|cihazımdan|telefonumdan) gönderildi|gönderildi:? (?:iphone|ipad|android)"
    "|.{2,30} için outlook"
    "|.{1,40}から送信|.{1,30}用 ?outlook ?を|.{1,30}版 ?outlook ?を|发自我的|从我的.{1,30}发送|发送自|發自我的|從我的.{1,30}傳送|傳送自"
    "|来自 ?.{2,20}(?:邮箱|手机)"
    "|获取适用于|下载 outlook|取得.{1,20}outlook|나의 .{1,20}에서 보냄|내 .{1,20}에서 보냄"
    "|نُشر من|أرسل(?:ت)? من|أُرسلت? من|تم الإرسال من|مرسل من|مُرسل من|الحصول على outlook|احصل على outlook"
    "|נשלח מ|השג את outlook|קבל את outlook|az én .{2,20} készülékemről|trimis de pe|στάλθηκε από"
)
CLOSINGS = (
    "(?:(?:with )?(?:kind|best|warm|warmest|kindest|many|my|many thanks and)? ?(?:best )?regards"
    "|best(?: wishes)?|all the best"
    "|(?:yours )?(?:sincerely|faithfully|truly)(?: yours)?|yours|cheers|thanks(?: a lot| so much| again| in advance)?"
    "|thank you(?: very much| so much| again| in advance)?|many thanks|thx|br|rgds|thanks (?:and|&) (?:best "
    "|kind )?regards|respectfully"
    "|mit (?:freundlichen|besten|herzlichen|lieben|sonnigen|vielen) gr(?:ü|ue)(?:ß|ss)en|mit freundlichem gru(?:ß|ss)"
    "|(?:freundliche|viele|liebe|beste|herzliche|schöne|sonnige)[rns]? gr(?:ü|ue)(?:ß|ss)e?n?|(?:freundlicher "
    "|lieber |schönen )?gru(?:ß|ss)"
    "|gr(?:ü|ue)(?:ß|ss)e|hochachtungsvoll|mfg|lg|vg|vielen dank|(?:besten |herzlichen )?dank"
    "|danke(?: und gru(?:ß|ss))?"
    "|(?:bien |très )?cordialement|(?:bien )?à vous|salutations(?: distinguées)?|sincères salutations"
    "|amicalement|bonne journée|merci(?: d'avance| beaucoup)?|cdlt"
    "|(?:un )?(?:cordial(?:es)? )?saludos?(?: cordiales?)?|atentamente|atte"
    "|(?:muchas )?gracias(?: de antemano)?|un abrazo"
    "|(?:cordiali|distinti|cari|tanti) saluti|saluti|cordialmente|grazie(?: mille)?"
    "|(?:com os melhores )?cumprimentos|(?:melhores|com os melhores) cumprimentos|atenciosamente|att"
    "|obrigad[oa]|abraços?"
    "|met (?:vriendelijke|hartelijke) groet(?:en)?|(?:vriendelijke|hartelijke) groet(?:en)?|groet(?:en|jes)?"
    "|mvg|(?:hartelijk )?dank|bedankt|alvast bedankt"
    "|z (?:poważaniem|wyrazami szacunku)|pozdrawiam(?: serdecznie)?|(?:serdecznie )?pozdrawiam|pozdrowienia"
    "|serdeczne pozdrowienia|dziękuję|z góry dziękuję"
    "|(?:med )?(?:vänliga?|bästa|varma) hälsning(?:ar)?|hälsningar|mvh|tack(?: på förhand)?"
    "|(?:med )?(?:venlig|venlige|vennlig|beste|bedste|de bedste) hilsen|(?:med )?(?:bedste|beste"
    "|venlige) hilsner|hilsen|vh|(?:mange )?tak|(?:mange |tusen )?takk|på forhånd takk?"
    "|(?:ystävällisin|parhain|terveisin)(?: terveisin)?|terveisin|yst\\. ?terv\\.?|t\\.|kiitos(?: etukäteen)?"
    "|kiittäen"
    "|s (?:pozdravem|úctou|přátelským pozdravem)|(?:předem )?děkuji|hezký den|díky"
    "|с (?:уважением|наилучшими пожеланиями)|(?:заранее )?(?:спасибо|благодарю)|всего доброго|з повагою|дякую"
    "|з найкращими побажаннями"
    "|(?:saygılarımla|saygılarımızla|iyi çalışmalar|iyi günler|selamlar|sevgiler|teşekkürler|teşekkür ederim"
    "|kolay gelsin)"
    "|(?:どうぞ)?よろしくお願い(?:いた|致)?します|以上、?よろしくお願い(?:いた|致)?します|敬具|此致|敬礼|祝好|谢谢|順頌商祺|顺颂商祺|감사합니다"
    "|مع (?:خالص )?(?:التحية|التحيات|الشكر|تحياتي)|(?:مع )?(?:أطيب )?(?:تحياتي|التحيات)|شكرا(?: جزيلا)?|وشكرا"
    "|בברכה|בכבוד רב|תודה(?: רבה| מראש)?|בברכה ובתודה)"
)
CONFIDENTIAL = (
    "confiden|privileged|intended|vertraulich|bestimmt|destin|riservat|confidenz|vertrouwelijk|bestemd|poufn|przeznaczon"
    "|konfidenti|avsedd|avsett|fortrolig|beregnet|luottamuks|tarkoitettu|důvěrn|určen|конфиденц|предназнач|gizli|virus"
)
DISCLAIMERS = (
    f"(?:(?:this|the|any|diese|der inhalt|die information|ce|cet|le|este|esta|el|la|questo|questa|il presente|la presente"
    f"|le informazioni|dit|deze|de informatie|niniejsza|ta|treść|detta|denne|tämä|tato|tento|это|данное|bu)"
    f" [^.!?]{{0,160}}(?:{CONFIDENTIAL})[^?]*$)"
    "|(?:confidentiality|privacy|legal) (?:notice|note|disclaimer)|disclaimer\\s*:|avviso di riservatezza"
    "|confidential(?:ity)?\\s*:|important(?: notice)?:.{0,40}confidential|haftungsausschluss\\b"
    "|(?:please )?think before (?:you )?print|please consider the environment|bitte denken sie an die umwelt"
    "|virus-free\\.|virenfrei\\.|sans virus\\.|libre de virus\\."
    "|this email has been (?:checked|scanned) for viruses|yahoo! mail:|yahoo mail: search, organi[sz]e, conquer"
)
AWAY = (
    r"\b(?:out of (?:the )?office|automatic reply|auto(?:mated)?[- ]?(?:reply|response)"
    r"|on (?:vacation|holiday|leave)|away from (?:the|my) (?:office|desk|mail)"
    r"|abwesenheit(?:snotiz|smeldung|sassistent)?|automatische (?:antwort|reactie)|nicht im (?:büro|hause)"
    r"|im urlaub|absen(?:ce|t)(?: du bureau)?|réponse automatique|congés|respuesta automática"
    r"|fuera de (?:la )?oficina|ausencia|risposta automatica|fuori (?:sede|ufficio)|assen(?:te|za)"
    r"|resposta automática|fora do escritório|ausência|afwezig(?:heid)?|automatisch antwoord|niet aanwezig"
    r"|autoodpowiedź|odpowiedź automatyczna|automatyczna odpowiedź|nieobecność|poza biurem|autosvar"
    r"|automatiskt svar|frånvaro|fravær|ikke (?:til stede|på kontoret)|automatisk svar|poissa"
    r"|automaattinen vastaus|lomalla|automatická odpověď|mimo kancelář|nepřítomnost|автоответ"
    r"|автоматический ответ|вне офиса|отсутству|автоматична відповідь|відсутн|otomatik yanıt|ofis dışında"
    r"|izinliyim)|自動応答|自動返信|不在|自动回复|自動回覆|自动答复|외근|부재중|자동 ?(?:회신|응답)|رد تلقائي|خارج المكتب"
    r"|תשובה אוטומטית|מענה אוטומטי|מחוץ למשרד"
)
FAILURES = {
    "5.1.1": "user unknown|unknown user|no such (?:user|mailbox|recipient)|does(?: not|n't) exist|address not found"
    "|couldn't be found|not listed in|recipient (?:address )?(?:rejected|unknown)|unbekannt|existiert nicht"
    "|no mailbox here",
    "5.2.2": "mailbox (?:is )?full|over ?quota|quota exceeded|insufficient (?:system )?storage|postfach .{0,20}voll",
    "5.1.2": "host (?:or domain name )?not found|domain not found|unrouteable|name or service not known|unknown host",
    "5.7.1": "spam|blocked|blacklist|policy|not (?:permitted|allowed|authori[sz]ed)|access denied",
}
"""The status codes (RFC 3463) of reports that give their reason in words alone."""
