# SPDX-License-Identifier: Apache-2.0
"""Stories of plays that never were, of any size, for the pages that draw them."""


def hostile_text():
    """What a peer may say: the ends of elements and comments, entities, controls, what ends lines or turns text."""
    return "</script><script>hacked=1</script><!--<img src=x onerror=hacked=1>--> &lt;\"' \x01\x1b[2J\x7f\x85\u2028\u202e\u2066\ufeff"


def actor(name, kind, text, buckets, **changes):
    made = {"name": name, "kind": kind, "room": "room-1", "connection": 1, "transport": "h2", "spans_left_out": 0, "bucket_ms": 1000 / buckets,
            "spans": [{"what": "stream" + text, "at": 0.5, "until": 1000, "phase": None, "text": text}, {"what": "stall", "at": 300, "until": 600, "phase": "burst", "text": text}],
            "sent": [], "received": [i % 7 for i in range(buckets)], "lost": [], "end": {"at": 990, "status": "UNAVAILABLE" + text, "text": text}}
    made.update(changes)
    made["totals"] = {flow: sum(made[flow]) for flow in ("sent", "received", "lost")}
    return made


def story(actors, text="", buckets=60):
    """A publisher, and subscribers of whom the first stalls, loses messages and has them lost to the second."""
    name = "sub" + text
    scopes = ("same stream", "publisher", "same connection", "same room", "same server")
    return {
        "duration_ms": 1000, "phases": [{"name": "calm", "at": 0, "until": 200}, {"name": "burst" + text, "at": 200, "until": 900}],
        "marks": [{"name": "before" + text, "at": 1, "rss_bytes": 9 << 20, "fds": 9}, {"name": "after", "at": 950, "rss_bytes": 11 << 20, "fds": 10}],
        "steps": [], "steps_left_out": 0,
        "actors": [actor("pub" + text, "publisher" + text, text, buckets, sent=[3] * buckets, end=None)] + [
            actor(f"{name}[{i}]", "subscriber", text, buckets, lost=[1 if i < 2 and k > 30 else 0 for k in range(buckets)]) for i in range(actors - 1)],
        "actors_left_out": 2,
        "faults": [{"what": "stall" + text, "at": 300, "until": 600, "actor": f"{name}[0]", "count": 1, "connection": 1, "text": text, "affected": [
            {"scope": scope, "actors": [f"{name}[{i}]"] if i < 2 else [], "count": int(i < 2), "judged": i, "of": 3, "text": text} for i, scope in enumerate(scopes)]}],
        "faults_left_out": 0,
        "windows": [{"actor": f"{name}[{i}]", "stream": i, "connection": 1, "at": [0, 300, 600], "bytes": [65535, 0, 65535]} for i in range(min(actors, 12))],
        "windows_left_out": 0,
    }
