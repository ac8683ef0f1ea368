"""A labelled set of our own, fictional: what is found, and what only looks like it."""

from collections import Counter

import pytest

from chatledger.privacy.redaction import redact

FOUND = [
    ("Write to maria.lopez+shop@ejemplo.example.es please", "Write to [EMAIL] please"),
    ("Schreib an jörg@müller.de, danke", "Schreib an [EMAIL], danke"),
    ("Мой адрес: иван@почта.рф", "Мой адрес: [EMAIL]"),
    ("我的邮箱是 li.wei@example.cn。", "我的邮箱是 [EMAIL]。"),
    ("Meine IBAN: DE89 3704 0044 0532 0130 00 BITTE", "Meine IBAN: [IBAN] BITTE"),
    ("IBAN NL91ABNA0417164300.", "IBAN [IBAN]."),
    ("Mon compte FR1420041010050500013M02606", "Mon compte [IBAN]"),
    ("card 4111 1111 1111 1111 exp 12/29", "card [CARD] exp 12/29"),
    ("5500-0000-0000-0004", "[CARD]"),
    ("Visa 4111 1111 1111 1111 123 12/29", "Visa [CARD] 123 12/29"),
    ("no. 12 4111111111111111 2nd", "no. 12 [CARD] 2nd"),
    ("3782 822463 10005, not 4112", "[CARD], not 4112"),
    ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "[CARD]"),
    ("Sean.O'Brien@mail.example", "[EMAIL]"),
    ("jo\u0308rg@mu\u0308ller.example", "[EMAIL]"),
    ("'jo@mail.example'", "'[EMAIL]'"),
    ("from 203.0.113.7.", "from [IP]."),
    ("host 2001:db8::8a2e:370:7334 is down", "host [IP] is down"),
    ("Call me at 555-0143 22", "Call me at [PHONE]"),
    ("(212) 555-0143", "[PHONE]"),
    ("Ruf an: 030 / 901820-44", "Ruf an: [PHONE]"),
    ("Mon numéro : 06 12 34 56 78", "Mon numéro : [PHONE]"),
    ("Llámame al +34 612 345 678.", "Llámame al [PHONE]."),
    ("Il mio cellulare: 347 123 4567", "Il mio cellulare: [PHONE]"),
    ("O meu telemóvel é 912 345 678", "O meu telemóvel é [PHONE]"),
    ("Bel me op 06-12345678", "Bel me op [PHONE]"),
    ("mój telefon 601 234 567", "mój telefon [PHONE]"),
    ("Numaram 0532 123 45 67", "Numaram [PHONE]"),
    ("телефон: 8 912 345 67 89", "телефон: [PHONE]"),
    ("هاتف: ٠٥٠ ١٢٣ ٤٥٦٧", "هاتف: [PHONE]"),  # noqa: RUF001
    ("मेरा फोन 98765 43210", "मेरा फोन [PHONE]"),
    ("手机 138 1234 5678", "手机 [PHONE]"),
    ("電話 03-1234-5678", "電話 [PHONE]"),
    (
        "psql postgres://bob:hunter2@db.example.com/x",
        "psql postgres://[CREDENTIALS]@db.example.com/x",
    ),
    ("key sk-abcdefghijklmnopqrstuvwx", "key [SECRET]"),
    ("AKIAABCDEFGHIJKLMNOP", "[SECRET]"),
    ("see https://h/x?token=abc123abc123abc123&n=1", "see https://h/x?token=[SECRET]&n=1"),
    ("?a=1&X-Amz-Security-Token=IQoJb3JpZ2lu%2F%2F#top", "?a=1&X-Amz-Security-Token=[SECRET]#top"),
    ("?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE/20261128", "?X-Amz-Credential=[SECRET]/20261128"),
    ("DB_PASSWORD=hunter;DB=x", "DB_PASSWORD=[SECRET];DB=x"),
    ("userPassword=abc", "userPassword=[SECRET]"),
    ("my password: hunter2.", "my password: [SECRET]."),
    ("**Password:** `hunter`", "**Password:** `[SECRET]`"),
    ("Passwort: Geheim77, bitte", "Passwort: [SECRET], bitte"),
    ("Contraseña: p@ss y", "Contraseña: [SECRET] y"),
    ("mot de passe : hunter2", "mot de passe : [SECRET]"),
    ("我的密码：hunter2，谢谢", "我的密码：[SECRET]，谢谢"),  # noqa: RUF001
    ("пароль: секрет1", "пароль: [SECRET]"),  # noqa: RUF001
    ("pwd: abcDEFgh (old)", "pwd: [SECRET] (old)"),
    ('{"password": "let me in", "n": 1}', '{"password": "[SECRET]", "n": 1}'),
    (r"{\"password\":\"x1\"}", r"{\"password\":\"[SECRET]\"}"),
    (r'{"password": "x\"y\\z"}', '{"password": "[SECRET]"}'),
    ("run `login password='x1'` now", "run `login password='[SECRET]'` now"),
    ('{"a":"b",password:"x1"}', '{"a":"b",password:"[SECRET]"}'),
    ("{'password' => 'x'}", "{'password' => '[SECRET]'}"),
    ("password := `x`", "password := `[SECRET]`"),
    ("X-API-Key: 0a1b2c3d4e5f6a7b8c", "X-API-Key: [SECRET]"),
    (
        "curl -H 'authorization: bearer abc.DEF-0123456789'",
        "curl -H 'authorization: bearer [SECRET]'",
    ),
    ("use Bearer abcdefghij0123456789.", "use Bearer [SECRET]."),
    ("secret_access_key=/aB0cD1e/F2", "secret_access_key=[SECRET]"),
    ("password=jo@mail.example", "password=[SECRET]"),
    ("password=sk-abcdefghijklmnopqrstuvwx", "password=[SECRET]"),
    ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "[SECRET]"),
]

LEFT = [
    "9111111111111111 4111111111111 400000000000002 6011000000000005",
    "Order 4111111111111112 of 2026-11-28 10:30:00",
    "Version 10.4.2, build 20261128",
    "ISBN 978-3-16-148410-0 and 1234567",
    "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "550e8400-e29b-41d4-a716-446655440000",
    "DE88 3704 0044 0532 0130 00 has a wrong check digit",
    "at 12:30:45, ratio 16:9, std::vector<int>, a::b",
    "300.1.2.3 and v1.2.3.4",
    "1700000000000 ms, 3.14159265358979, 1,000,000",
    "28.11.2026, 28/11/2026, 2026/11/28",
    "@maria on the forum, 5 @ 3 EUR, sk-learn",
    "password: click here, Passwort: mindestens 8 Zeichen, password: don't, Password: 12+",
    "密码：至少8个字符, password:\nhunter2, PWD=/home/jo, password changed: 2026-11-28",  # noqa: RUF001
    "write `password:` here, `user_password=` or 'token=' there, token=there.token",
    "password: ********, password=${PASSWORD}, password=None, token=abc, your password?",
    "第12345678号订单, заказ 12345678, 注文番号 1234567890",
]


@pytest.mark.parametrize(("text", "redacted"), FOUND)
def test_what_is_personal_by_its_shape_becomes_its_label(text: str, redacted: str):
    counts: Counter[str] = Counter()
    assert redact(text, counts) == redacted
    assert counts.total() == 1


@pytest.mark.parametrize("text", LEFT)
def test_what_only_looks_like_it_stays(text: str):
    counts: Counter[str] = Counter()
    assert redact(text, counts) == text
    assert not counts


@pytest.mark.parametrize("text", [text for text, _ in FOUND])
def test_redacting_again_changes_nothing(text: str):
    once = redact(text, Counter())
    assert redact(once, Counter()) == once


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("_jo@mail.example_ and **jo@mail.example**", "[EMAIL]_ and **[EMAIL]**"),
        ("06{0}12{0}34{0}56{0}78", "[PHONE]"),
        ("+33{0}1{0}99{0}00{0}12{0}34", "[PHONE]"),
        ("4111{0}1111{0}1111{0}1111", "[CARD]"),
        ("DE89{0}3704{0}0044{0}0532{0}0130{0}00", "[IBAN]"),
    ],
)
@pytest.mark.parametrize("space", ["\u00a0", "\u202f"])
def test_what_stands_between_and_beside_hides_nothing(text: str, redacted: str, space: str):
    assert redact(text.format(space), Counter()) == redacted
