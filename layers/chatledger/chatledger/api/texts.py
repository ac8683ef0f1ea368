"""What a route's summary has no room for, in Markdown: the OpenAPI document shows it."""

REPEATS = """The same message sent again is stored once: the same `id` and time, or without an
`id` the same time, role, sender and content.

- A message without `timestamp` gets the server's time, so its repeat is only safe under an
  `Idempotency-Key`.
- The same `id` and time with anything changed is a revision, which replaces the message whole:
  send all its fields. An earlier version cannot be posted back.

A body has at most 4 MB, a message 300 KB, and the messages are of at most 1,000 days, 10,000
quarter hours and 100 users; send more in several requests. The same `id` and time twice in one
body is 400."""

WAITING = """With `Prefer: wait=20` the answer is 201 if the export ends within 20 seconds, else
202; `Location` says where to ask. With `dry_run` it is 200 with the counts, and no export is made.

With `clear` the messages leave the ledger once their archive is written and verified; `undo` puts
them back. One clear or undo at a time: another one is 409.

A file is anonymized unless you send `"anonymize": false`; an `archive` never is."""

PROJECT_WAITS = """It makes an export; 302 leads to its file where that is written within 20
seconds, else 202 says where to ask."""
PROJECT = f"""`{{app_id}}-convo_history.jsonl`: JSON Lines in UIUC.chat's rows, not anonymized.
{PROJECT_WAITS}"""
PROJECT_DOCUMENTS = f"""`{{app_id}}-documents.jsonl`: JSON Lines, each document with its text and
its chunks as `contexts` with their embeddings. {PROJECT_WAITS}"""

STORING = """Send it again at any time: the same changes nothing, anything else replaces the
document whole; its original stays. `text` and `chunks` are kept as they are; a body has at most
4 MB.

`upload_url` takes the original by a plain PUT, with any `Content-Type`. It stays what it is, byte
for byte, until another one is uploaded."""

PREVIEWING = """The body is that of `POST /exports`. The sample is the first conversations of that
export as it would write them. Nothing is written, and nothing cleared.

Anonymized, its people bear the pseudonyms that it promises to the next anonymized export of the
same conversations within a day: with the same dates, filters, `since`, `dataset`,
`include_ip_addresses` and `include_metadata`, whatever its format, compression and name.

The counts are exact unless counting takes longer than some seconds; then they are told from what
was read by then."""

COUNTING = """Of the conversations that the filters choose, those in which an AI answered; dates
choose the messages that count."""

LOGGING = """`action=summary` tells of the files that pulls from Dify left in
`logs/conversations/{organization}/{year}/{month}/{day}/`.

`action=export` answers what the ledger holds in the range, each conversation as a log file has it,
not anonymized. It makes an export; where that takes longer than 20 seconds, or has more than 4 MB,
the answer is 202, and `Location` says where it is."""

FOLLOWING = """Each message comes once, whatever its time and whoever writes meanwhile. Keep the
`cursor` of each page and ask on with it, also when `end_of_stream` is true. What was cleared
before you came by is told as `cleared`, with the export whose archive has it.

410: what came next is no longer kept, or the table was restored from a backup. Take an export
without `since`, and go on from its cursor."""

DOWNLOADING = """A redirect to a link to it. Of several files (`parquet`) it is 409: `files` of
`GET /exports/{export_id}` has a link to each."""

ACKNOWLEDGING = """An export with `"clear_on": "acknowledged"` waits for seven days once its
archive is written. Download the manifest (and the archive, if you keep it), compute SHA-256 of the
header exactly as it stands in the manifest's first line, and send that. Another hash changes
nothing; the same request again is answered the same."""

UNDOING = """What this export cleared, and still is as it left it, comes back under its old ids and
places; what was written since stays. To ask again is harmless: an export has one undo, and one
that failed is begun anew. With `Prefer: wait=20` the answer is 200 if it ends within 20 seconds,
else 202; `clear.status` in the export says `undoing`, then `undone`."""

IMPORTING = """The answer has signed links to upload to: first the manifest, if you have it, then
the archive, each by a PUT of at most 5 GB. The import begins when the archive is there.

- What is there already stays; a second import of the same adds nothing.
- What was cleared and is proven by the file comes back in its old place, the rest as new entries.
- A live message is never replaced by an older revision. Which is older, the manifest says.
- Of a conversation that is there, only what its title, status and so on do not say is filled in."""

HOLDING = """All that is named must hold, of users and apps those of the whole conversation. A
range covers every quarter hour that it touches. A hold is `active` after a minute: what a clear
had read before is written by then. There are at most 1,000."""

PROVING = """Keep it: with it, `chatledger verify DIR --public-key FILE` proves an archive without
this service. The signature is ECDSA over the root hash of the manifest, ASN.1 DER in base64."""

RECORDING = """On record is what takes data out, removes, protects or restores any, or changes
who may do so: exports, links that were given out, clears, undos, imports, holds, keys,
documents that were replaced. Ids and counts only.

A record's `hash` is SHA-256 over its other fields as JSON with sorted names, no spaces, in UTF-8;
`prev` is the hash of the record before. Filters are looked for while going through the trail: a
page may be empty, so go on while there is a cursor."""

VERIFYING = """Goes through all records: each must have its hash and name the one before, without
a gap, and each daily anchor in the archive bucket must find the record that it saw. So a changed,
dropped, moved or added record is found, and a tail that was cut if an anchor had seen it.

A long trail takes several requests: go on with `next_cursor`. It is whole if every answer is
`valid`."""
