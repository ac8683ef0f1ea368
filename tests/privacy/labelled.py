"""A labelled set of our own, all of it made up: sentences of fifteen languages, each with one thing
that is personal by its shape; and texts that look like it and are not.

``{}`` is where the thing stands. Numbers are of ranges that belong to nobody where there are such.
"""

from itertools import product

# ruff: noqa: RUF001 - other languages have other letters
SENTENCES = {
    "en": ("You can reach me at {} after six.", "It says {} here, is that right?"),
    "de": ("Sie erreichen mich unter {} nach sechs.", "Hier steht {}, stimmt das?"),
    "fr": ("Vous pouvez me joindre : {} après six heures.", "Ici on lit {}, c'est juste ?"),
    "es": ("Me puede localizar en {} por la tarde.", "Aquí pone {}, ¿es correcto?"),
    "it": ("Può contattarmi: {} dopo le sei.", "Qui c'è scritto {}, è giusto?"),
    "pt": ("Pode me encontrar em {} à tarde.", "Aqui diz {}, está certo?"),
    "nl": ("U kunt mij bereiken op {} na zessen.", "Hier staat {}, klopt dat?"),
    "pl": ("Proszę pisać: {} po szóstej.", "Tu jest napisane {}, zgadza się?"),
    "tr": ("Bana {} üzerinden ulaşabilirsiniz.", "Burada {} yazıyor, doğru mu?"),
    "ru": ("Свяжитесь со мной: {} после шести.", "Здесь написано {}, верно?"),
    "ar": ("يمكنك الوصول إلي على {} مساء.", "مكتوب هنا {} ، هل هذا صحيح؟"),
    "hi": ("आप मुझसे {} पर संपर्क कर सकते हैं।", "यहाँ {} लिखा है, क्या यह सही है?"),
    "zh": ("你可以通过 {} 联系我。", "这里写着 {} ，对吗？"),
    "ja": ("連絡先は {} です。", "ここに {} と書いてあります。"),
    "ko": ("연락처는 {} 입니다.", "여기에 {} 라고 되어 있어요."),
}

POSITIVES = {
    "email": (
        "jo.smith@mail.example",
        "Anna-Maria.Müller@firma.example",
        "o'neil+news@sub.domain.example",
        "x_y.z99@例え.example",
        "HELPDESK@EXAMPLE.ORG",
        "jo (at) mail (dot) example",
    ),
    "phone": (
        "+49 30 12345678",
        "+1 (202) 555-0143",
        "+44 20 7946 0958",
        "+33 1 99 00 12 34",
        "+81-3-1234-5678",
        "(202) 555-0175",
        "+91 98765 43210",
        "030 12345678",
        "0171-2345678",
        "555-0143",
        "06 12 34 56 78",
    ),
    "card": (
        "4111 1111 1111 1111",
        "5500-0000-0000-0004",
        "340000000000009",
        "6011000000000004",
    ),
    "iban": (
        "DE89 3704 0044 0532 0130 00",
        "GB82WEST12345698765432",
        "FR14 2004 1010 0505 0001 3M02 606",
        "NL91ABNA0417164300",
    ),
    "ip": ("203.0.113.77", "198.51.100.4", "2001:db8::8a2e:370:7334", "2001:0DB8:0:0:1::1"),
    "credentials": (
        "https://jo:secret@example.com/path",
        "postgres://app:p4ss@db.example:5432/x",
        "ftp://anna:1234@files.example",
    ),
    "secret": (
        "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "xoxb-123456789012-abcdefghijklmnop",
        "https://h.example/x?token=abc123abc123abc123",
        "https://h.example/x?a=1&api_key=Zm9vYmFyYmF6&b=2",
        "https://s3.example/k?X-Amz-Expires=60&X-Amz-Signature=9f86d081884c7d659a2feaa0c55ad015",
        "password=hunter2",
        "Password: hunter2!",
        "password: correct-Horse",
        '"password": "x y"',
        '"access_token": "ya29.a0AfH6SMBx-q"',
        "Authorization: Bearer abcdef.ABCDEF-012345",
        "Authorization: Basic am86aHVudGVyMg==",
        "client_secret = 'f3c0ffee'",
    ),
}

# Each in two of the languages.
NEGATIVES = (
    "order 2026-000123456",
    "12/11/2026",
    "2026-11-28T10:15:00Z",
    "version 3.11.7",
    "ISBN 978-3-16-148410-0",
    "invoice 1234567890",
    "4111 1111 1111 1112",
    "DE89 3704 0044 0532 0130 01",
    "$1,299.00",
    "10:15-11:45",
    "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "@channel",
    "C@t",
    "sky-high",
    "1.2.3",
    "999.999.999.999",
    "room 101, floor 3",
    "3.14159265358979",
    "https://example.com/path?q=1",
    "48.8584, 2.2945",
    "5 x 1000 = 5000",
    "#1234567",
    "km 12345",
    "A4 210 x 297 mm",
    "std::vector",
    "12:30:45",
    "50%-70%",
    "Q3 2026",
    "MH-17",
    "user@",
    "tcp/443",
    "1e10",
    "00:1B:44:11:3A:B7",
    "password: click here",
    "Password: at least 12 characters",
    "password: https://example.com/reset",
    "https://example.com/reset-password?lang=en",
    "if password == stored:",
    "password = input('?')",
    "login(user=user, password=password)",
    "password=<your password>",
    "api_key=$API_KEY",
    "token = next(tokens)",
    "token: 512",
    "max_tokens=512",
    '{"token": "hello"}',
    "auth=basic",
    "author=smith2019",
    "monkey=banana2000",
    "design: modern2026",
    "secret: be kind",
    "the bearer of bad news",
    "Bearer YOUR_ACCESS_TOKEN_HERE",
)


def positives() -> list[tuple[str, str, str]]:
    """(kind, the thing, the text it stands in)."""
    sentences = [each for pair in SENTENCES.values() for each in pair]
    return [
        (kind, thing, sentence.format(thing))
        for kind, things in POSITIVES.items()
        for thing, sentence in product(things, sentences)
    ]


def negatives() -> list[str]:
    sentences = [pair[place % 2] for place, pair in enumerate(SENTENCES.values())]
    return [
        sentences[(place + step) % len(sentences)].format(text)
        for place, text in enumerate(NEGATIVES)
        for step in range(5)
    ]
