"""Examples of the pages that first described these formats; ids are strings here."""

from typing import Any

HELLO = "Hello, I need help with web development."
HELP = "I'd be happy to help with web development!"

# "JSON Format" of TekRem's page on its AI conversation export. Here nobody is anonymized, and of
# the four messages that its metrics speak of the page shows two.
JSON_CONVERSATION: dict[str, Any] = {
    "conversation_id": "123",
    "conversation_title": "Guest Chat - John Doe",
    "created_at": "2024-01-15T10:30:00Z",
    "status": "active",
    "guest_info": {
        "guest_id": "guest_abc123",
        "guest_name": "Guest_def456",
        "guest_email": "guest_789@example.com",
        "anonymized": False,
    },
    "messages": [
        {
            "message_id": "456",
            "timestamp": "2024-01-15T10:30:00Z",
            "sender_type": "guest",
            "message": HELLO,
            "sequence_number": 1,
        },
        {
            "message_id": "457",
            "timestamp": "2024-01-15T10:31:00Z",
            "sender_type": "ai",
            "message": HELP,
            "ai_metadata": {
                "service": "mistral",
                "model": "mistral-large-latest",
                "reply_to_message_id": "456",
            },
            "sequence_number": 2,
        },
    ],
    "ai_services_used": ["mistral"],
    "conversation_metrics": {
        "total_messages": 4,
        "ai_message_count": 2,
        "guest_message_count": 2,
        "conversation_duration_minutes": 15,
    },
}

# "ML Training Format" of the same page, with the totals of a file of this one pair.
ML_DOCUMENT: dict[str, Any] = {
    "training_data": [
        {
            "input": HELLO,
            "output": HELP,
            "context": [{"role": "user", "content": HELLO, "timestamp": "2024-01-15T10:30:00Z"}],
            "metadata": {
                "conversation_id": "123",
                "ai_service": "mistral",
                "ai_model": "mistral-large-latest",
                "timestamp": "2024-01-15T10:31:00Z",
                "conversation_status": "active",
            },
        }
    ],
    "metadata": {
        "export_timestamp": "2024-01-15T12:00:00Z",
        "total_conversations": 1,
        "total_training_pairs": 1,
        "format_version": "1.0",
    },
}

# "Example of a single row" of UIUC.chat's page "Bulk Export", its texts shortened. Its ``id``, a
# serial number there, is the one thing that is made anew.
UIUC_CONVO: dict[str, Any] = {
    "folderId": None,
    "id": "03a9ffb3-5bde-4766-a4eb-66dff42ed8ac",
    "messages": [
        {"content": "Contrast Shakespeare against Kierkegaard..", "contexts": [], "role": "user"},
        {
            "content": "While Shakespeare's works explore the complexities of human nature",
            "contexts": [
                {
                    "base_url": "http://kastanday.com",
                    "course_name ": "test-video-ingest-21",
                    "pagenumber": "",
                    "readable_filename": "Kastan Day \u2013 I love coding, drones and podcasts.",
                    "s3_path": "",
                    "text": "Skip to content\nI solve real world problems with machine learning.\n"
                    "National Center for\xa0Supercomputing Applications (NCSA)\n",
                }
            ],
            "role": "assistant",
        },
    ],
    "model": {"id": "gpt-4-0613", "name": "GPT-4-0613"},
    "name": "How did Kastan win argonne?",
    "prompt": "You are ChatGPT, a large language model trained by OpenAI. Follow the user's "
    "instructions carefully. Respond using markdown.",
    "temperature": 0.4,
    "user_email": "kvday2@illinois.edu",
}
UIUC_ROW: dict[str, Any] = {
    "convo": UIUC_CONVO,
    "convo_id": "03a9ffb3-5bde-4766-a4eb-66dff42ed8ac",
    "course_name": "test-video-ingest-21",
    "created_at": "2023-08-14T23:35:40.508062Z",  # 16:35:40.508062-07:00
    "user_email": "kvday2@illinois.edu",
}
