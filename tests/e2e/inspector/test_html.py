# SPDX-License-Identifier: Apache-2.0
"""The report is one page that loads nothing, and what peers sent is data in it, never markup."""
import html.parser
import json
import os
import subprocess
import unittest
from pathlib import Path

INSPECTOR = os.environ["SLUICE_INSPECTOR"]
SOURCE = Path(os.environ["SLUICE_SOURCE"])
GOLDEN = SOURCE / "tests/golden"


class Page(html.parser.HTMLParser):
    """The elements that a browser makes of the page, and the text of the element of records."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.attributes, self.data, self.is_data = [], [], "", False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs
        self.is_data = ("id", "records") in attrs

    def handle_endtag(self, tag):
        self.is_data = False

    def handle_data(self, data):
        if self.is_data:
            self.data += data


def report(*captures):
    done = subprocess.run([INSPECTOR, "--format", "html", *map(str, captures)], capture_output=True, check=True, timeout=60)
    return done.stdout.decode()


class Html(unittest.TestCase):
    def test_what_peers_sent_is_never_markup(self):
        page = Page(report(GOLDEN / "hostile-names/input.pcap.gz"))
        plain = Page((SOURCE / "inspector/render/report.html").read_text())
        self.assertEqual(page.elements, plain.elements)
        self.assertEqual(page.attributes, plain.attributes)
        calls = [record for record in json.loads(page.data) if record["type"] == "call"]
        self.assertIn("</script><script>alert(1)</script>", calls[0]["method"])

    def test_it_loads_nothing(self):
        page = Page(report(GOLDEN / "calls-of-grpc-go/input.pcap"))
        self.assertFalse([value for name, value in page.attributes if name in ("src", "href", "action", "data", "srcset")])
        self.assertTrue([value for name, value in page.attributes if name == "content" and "default-src 'none'" in value])

    def test_it_holds_the_records_of_all_views(self):
        capture = GOLDEN / "starved-by-unread-stream/input.pcap.gz"
        records = json.loads(Page(report(capture, GOLDEN / "sends-past-its-window/input.pcap.gz")).data)
        kinds = {record["type"] for record in records}
        self.assertEqual(kinds, {"call", "stall", "finding", "window", "limits", "summary"})
        window = next(record for record in records if record["type"] == "window" and record["direction"] == "response")
        self.assertGreaterEqual(len(window["points"]), 4)
        self.assertLessEqual(len(window["points"]), 128)
        self.assertEqual(window["points"], sorted(window["points"], key=lambda point: point[0]))
        limits = next(record for record in records if record["type"] == "limits")
        self.assertEqual(limits["calls"], sum(record["type"] == "call" for record in records))
        self.assertEqual(limits["shown_calls"], limits["calls"])

    def test_nothing_to_show_is_a_page_too(self):
        records = json.loads(Page(report("--method", "/no/such", GOLDEN / "calls-of-grpc-go/input.pcap")).data)
        self.assertEqual([record["type"] for record in records], ["limits", "summary"])


if __name__ == "__main__":
    unittest.main()
