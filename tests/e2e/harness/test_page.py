# SPDX-License-Identifier: Apache-2.0
"""The HTML report: whole without a script, and in a browser searched, filtered, drawn, narrow, and deaf to what peers say."""
import html.parser
import json
import re
import shutil
import subprocess
import unittest
import urllib.parse

from page_story import hostile_text, story
from support import EXEC, Folder, harness, scenario

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOSTILE = hostile_text()
DATA = re.compile(r'(<script type="application/json" id="report">)(.*?)(</script>)', re.S)
ESCAPED = {ord(c): f"\\u{ord(c):04x}" for c in "<>&"}
# Shows the page in a frame, in each case by another address and width, and says what a reader sees.
DRIVER = """<iframe src="told.html" width="1200" height="900"></iframe><pre></pre><script>
const frame = document.querySelector("iframe"), cases = %s, seen = {}, wrong = [];
const turn = () => new Promise(then => setTimeout(then, 20)); // of virtual time
function look() {
  const page = frame.contentDocument, count = what => page.querySelectorAll(what).length, ids = rows => [...rows].map(row => row.querySelector(".id").textContent);
  return {rows: ids([...page.querySelectorAll(".row")].filter(row => !row.hidden)), open: ids(page.querySelectorAll(".row[open]")),
    wide: page.documentElement.scrollWidth - page.documentElement.clientWidth, plots: count(".row[open] .story .plot path"), lanes: count(".row[open] .story option") - 1,
    scopes: count(".row[open] .scope"), text: page.body.innerText, strange: count("img, iframe, object, embed, link, form"), hacked: "hacked" in frame.contentWindow};
}
addEventListener("load", async () => {
  frame.contentWindow.addEventListener("error", event => wrong.push(event.message));
  for (const [name, [hash, width, wanted]] of Object.entries(cases)) {
    frame.width = width;
    frame.contentWindow.location.hash = hash;
    for (let i = 0; i < 100; i++) {
      await turn();
      seen[name] = look();
      if (i > 5 && (!wanted || seen[name].plots > 0)) break;
    }
    if (!wanted) continue;
    const page = frame.contentDocument, lanes = page.querySelector(".row[open] .plot[tabindex]");
    for (const key of ["+", "End", "Enter"]) lanes.dispatchEvent(new frame.contentWindow.KeyboardEvent("keydown", {key, bubbles: true}));
    seen[name].told = page.querySelector(".tip").innerText;
    seen[name].chosen = page.querySelector(".row[open] .story option:checked").textContent;
    seen[name].times = [...lanes.querySelectorAll("text")].map(text => text.textContent).filter(text => /^[0-9.]+ ms$/.test(text));
  }
  document.querySelector("pre").textContent = JSON.stringify({seen, wrong});
});
</script>"""


class Plain(html.parser.HTMLParser):
    """What a reader without a script has: rows with their text, and every element and attribute there is."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.names, self.attributes, self.inside = [], set(), set(), None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "details":
            self.rows.append([dict(attrs)["data-verdict"], ""])
        self.inside = tag

    def handle_data(self, data):
        if self.rows and self.inside not in ("script", "style"):
            self.rows[-1][1] += data


def browse(address):
    done = subprocess.run([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1300,1000", "--allow-file-access-from-files",
                           "--virtual-time-budget=10000", "--dump-dom", address],
                          capture_output=True, text=True, timeout=60, check=False)
    return done.stdout


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.addClassCleanup(cls.folder.__exit__)
        failing = {"run": [{"pub": {"send": {}}}], "expect": [{"count": "accepted", "of": "pub", "between": 2}]}
        for name, content in (("pass", scenario(title="An own needle" + HOSTILE)), ("skip", scenario(needs=["ready"])),
                              ("fail", scenario(why=HOSTILE, **failing)), ("fail-too", scenario(**failing))):
            cls.folder.write(f"s/{name}.json", content)
        cls.path = cls.folder.path / "report.html"
        cls.done = harness("run", cls.folder.path / "s", "--profile", "seed", "--exec", EXEC, "--report", f"html={cls.path}")
        cls.text = cls.path.read_text()
        cls.report = json.loads(DATA.search(cls.text).group(2))
        cls.ids = {r["id"].rsplit("/", 1)[-1]: r["id"] for r in cls.report["results"]}

    def with_stories(self):
        """The page as it would be had the plays been these: a hundred actors, and one that says hostile things."""
        report = json.loads(json.dumps(self.report))
        for result in report["results"]:
            if result["id"] == self.ids["fail"]:
                result["story"] = story(100)
            if result["id"] == self.ids["fail-too"]:
                result["story"] = story(3, HOSTILE)
        data = json.dumps(report).translate(ESCAPED)
        page = DATA.sub(lambda found: found.group(1) + data + found.group(3), self.text)
        self.folder.write("told.html", page)

    def test_without_a_script_it_has_every_verdict_and_nothing_of_others_as_markup(self):
        self.assertEqual(self.done.returncode, 1, self.done.stderr)
        page = Plain(self.text)
        self.assertEqual([verdict for verdict, _ in page.rows], ["fail", "fail", "pass", "skip"])
        for result in self.report["results"]:
            text = next(text for _, text in page.rows if result["id"] in text and result["rerun"].split(" --exec")[0] in text)
            self.assertIn(result["reason"], text)
        self.assertFalse(page.names & {"img", "iframe", "link", "form", "object", "embed", "base"}, page.names)
        self.assertFalse({name for name in page.attributes if name.startswith("on")} | page.attributes & {"src", "style"})
        self.assertNotRegex(self.text, r"https?://")
        self.assertIn("default-src 'none'", self.text)
        for character in HOSTILE:
            if not character.isprintable():
                self.assertNotIn(character, self.text.replace("\n", "") if character == "\n" else self.text)

    @unittest.skipUnless(CHROMIUM, "no chromium")
    def test_the_address_searches_filters_and_unfolds(self):
        self.with_stories()
        fail, fail_too, passed = (urllib.parse.quote(self.ids[name]) for name in ("fail", "fail-too", "pass"))
        cases = {"all": ("", 1200, False), "search": ("#q=NEEDLE+own", 1200, False), "none": ("#q=needle+nowhere", 1200, False),
                 "hidden": ("#hide=fail,skip", 1200, False), "many": (f"#open={fail}", 400, True),
                 "hostile": (f"#open={fail_too}&open={passed}", 400, True)}
        self.folder.write("driver.html", DRIVER % json.dumps(cases))
        dom = browse(f"file://{self.folder.path}/driver.html")
        told = json.loads(html.unescape(re.search(r"<pre>(.*?)</pre>", dom, re.S).group(1)) or "{}")
        seen = told["seen"]
        self.assertEqual(told["wrong"], [])
        for name, page in seen.items():
            with self.subTest(name):
                self.assertEqual((page["hacked"], page["strange"]), (False, 0))
                self.assertLessEqual(page["wide"], 0, "it scrolls sideways")
        everything = [self.ids[name] for name in ("fail", "fail-too", "pass", "skip")]
        self.assertEqual(seen["all"]["rows"], everything)
        self.assertEqual(seen["search"]["rows"], [self.ids["pass"]])
        self.assertEqual(seen["none"]["rows"], [])
        self.assertIn("nothing is like this", seen["none"]["text"])
        self.assertEqual(seen["hidden"]["rows"], [self.ids["pass"]])
        self.assertEqual((seen["all"]["open"], seen["many"]["open"]), ([], [self.ids["fail"]]))
        self.assertEqual((seen["many"]["lanes"], seen["many"]["scopes"]), (100, 5))
        self.assertGreater(seen["many"]["plots"], 10)
        self.assertIn("affected", seen["many"]["text"])
        self.assertEqual(seen["many"]["chosen"], "sub[98]", "End and Enter choose the last actor")
        self.assertRegex(seen["many"]["told"], r"^sub\[98\]\nsubscriber, room room-1, connection 1, h2\nsent 0, received \d+, lost 0\n")
        self.assertTrue(all(250 <= float(text.split()[0]) <= 750 for text in seen["many"]["times"]), "+ shows half of the time")
        self.assertEqual(seen["hostile"]["open"], [self.ids["fail-too"], self.ids["pass"]])
        self.assertIn(r"\xe2\x80\xae", seen["hostile"]["text"])
        self.assertIn("<img src=x onerror=", seen["hostile"]["text"])

    @unittest.skipUnless(CHROMIUM, "no chromium")
    def test_a_link_shows_what_it_says(self):
        dom = browse(f"file://{self.path}#q=needle")
        rows = re.findall(r'<details id="r\d+" class="row" data-verdict="(\w+)"( hidden="")?>', dom)
        self.assertEqual([verdict for verdict, hidden in rows if not hidden], ["pass"])


if __name__ == "__main__":
    unittest.main()
