import re

from chatledger.privacy.pseudonyms import Pseudonyms, export_key


def of(export_id: str, secret: bytes = b"secret") -> Pseudonyms:
    return Pseudonyms(export_key(secret, export_id))


def test_a_person_is_the_same_within_an_export_and_another_in_the_next():
    first, again, other = of("exp_1"), of("exp_1"), of("exp_2")
    assert first.user_id("john") == again.user_id("john") != other.user_id("john")
    assert first.user_id("john") != of("exp_1", b"another").user_id("john")
    assert first.user_id("john") != first.user_id("John")


def test_their_shapes_are_those_of_the_file_format():
    made = of("exp_1")
    assert re.fullmatch(r"guest_[0-9a-f]{16}", made.user_id("john"))
    assert re.fullmatch(r"Guest_[0-9a-f]{16}", made.name("John Doe"))
    assert re.fullmatch(r"guest_[0-9a-f]{16}@example\.com", made.email("j@doe.example"))
    assert re.fullmatch(r"ip_[0-9a-f]{16}", made.ip_address("203.0.113.7"))


def test_names_and_addresses_are_alike_however_they_are_written():
    made = of("exp_1")
    assert made.name(" John  DOE") == made.name("john doe") != made.name("jane doe")
    assert made.email("J@Doe.Example") == made.email("j@doe.example")


def test_kinds_of_one_value_do_not_tell_of_each_other():
    made = of("exp_1")
    assert made.user_id("x")[-16:] != made.name("x")[-16:] != made.identifier("x")[-16:]


def test_what_is_remembered_is_bounded_and_forgetting_changes_nothing():
    made = of("exp_1")
    before = made.user_id("john")
    for number in range(20_001):
        made.user_id(str(number))
    assert len(made._known) <= 10_000  # pyright: ignore[reportPrivateUsage]
    assert made.user_id("john") == before


def test_neither_key_nor_people_show_in_its_repr():
    made = of("exp_1")
    made.user_id("john")
    assert repr(made) == "Pseudonyms()"
