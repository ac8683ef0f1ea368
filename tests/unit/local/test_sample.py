from local.sample import as_chat, chats


def test_the_sample_is_of_one_month_and_in_order() -> None:
    bodies = chats(20)
    began = [min(m["timestamp"] for m in body["messages"]) for body in bodies]
    assert len({body["conversation_id"] for body in bodies}) == 20
    assert began == sorted(began)
    assert {time[:7] for time in began} == {"2018-05"}


def test_who_opens_is_the_user_and_who_answers_the_assistant() -> None:
    turn = [{"text": t, "timestamp": "2018-05-01T10:00:00Z", "sender": s} for t, s in ("Aa", "Bb")]
    chat = as_chat("c", {"messages": [turn], "start": "2018-05-01T16:00:00Z"})
    assert [m["role"] for m in chat["messages"]] == ["user", "assistant"]
    assert chat["user_id"] == "a"
    assert "title" not in chat
