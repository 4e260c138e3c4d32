"""A person at a real Chromium, who signs in for a program: `drive.py PROGRAM CASE`.

The case is JSON: the visits that follow each other in one browser, each with the words of the program's command line
and what the person does. Prints one line of JSON: the browser's version, and of each visit the headings of the pages,
what the last one says and what the program answered.

The browser trusts the lab's authority because it is in the user's certificate store, reaches the lab through its
proxy, and the program's loopback address past it. The program opens the address by `xdg-open`, as on any desktop.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

DRIVER = "http://127.0.0.1:9515"
LIMIT = 30


class Gone(Exception):
    """The page has gone on meanwhile."""


class Trouble(Exception):
    """What the driver says that it cannot do."""


class Browser:
    """Chromium, by the WebDriver protocol (W3C)."""

    def __init__(self, home, resolve):
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update",
                 f"--user-data-dir={home}/profile", f"--proxy-server={os.environ['HTTPS_PROXY']}"]
        if resolve:
            flags.append(f"--host-resolver-rules=MAP localhost {resolve}")
        wanted = {"browserName": "chrome", "acceptInsecureCerts": False, "goog:chromeOptions": {"args": flags}}
        self.session = ""
        session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = "/session/" + session["sessionId"]
        self.version = session["capabilities"]["browserVersion"]

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(DRIVER + self.session + path, data, {"Content-Type": "application/json"},
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            said = error.read().decode()
            # The driver has more than one error for a page that goes while it looks at an element of it.
            if error.code == 404 or (method == "GET" and path.startswith("/element/")):
                raise Gone(said) from error
            raise Trouble(said) from error

    def open(self, url):
        try:
            self.ask("POST", "/url", {"url": url})
        except Trouble as trouble:
            # The page of a certificate that is not trusted is an error to the driver, and a page to the person.
            if "net::ERR_CERT" not in str(trouble):
                raise

    def url(self):
        return self.ask("GET", "/url")

    def find(self, css):
        found = self.ask("POST", "/elements", {"using": "css selector", "value": css})
        return ["/element/" + next(iter(element.values())) for element in found]

    def text(self, css):
        return " ".join(self.ask("GET", element + "/text") for element in self.find(css))

    def value(self, css):
        [element] = self.find(css)
        return self.ask("GET", element + "/property/value")

    def type(self, css, text):
        [element] = self.find(css)
        self.ask("POST", element + "/clear", {})
        self.ask("POST", element + "/value", {"text": text})

    def click(self, css):
        [element] = self.find(css)
        self.ask("POST", element + "/click", {})
        return True

    def wait_until_gone(self, element, end):
        """The driver may answer a click before the page has begun to go."""
        try:
            while time.monotonic() < end:
                self.ask("GET", element + "/name")
                time.sleep(0.01)
        except Gone:
            pass

    def in_new_tab(self, url):
        before = self.ask("GET", "/window")
        tab = self.ask("POST", "/window/new", {"type": "tab"})
        self.ask("POST", "/window", {"handle": tab["handle"]})
        self.open(url)
        said = self.text("body")
        self.ask("DELETE", "/window")
        self.ask("POST", "/window", {"handle": before})
        return said

    def close(self):
        self.ask("DELETE", "")


class Person:
    """Somebody who knows a name and passwords, and does what the page asks for."""

    def __init__(self, browser, does):
        self.browser = browser
        self.does = does
        self.passwords = list(does.get("passwords", []))
        self.seen = []
        self.hint = None

    def sign_in(self):
        """Goes on until no page asks for anything more."""
        end = time.monotonic() + LIMIT
        last = None
        while time.monotonic() < end:
            try:
                heading = self.browser.text("h1")
                # No page yet, or one that sends itself off.
                if heading in ("", "Working..."):
                    continue
                [page] = self.browser.find("html")
                cancels = self.does.get("cancels_at") == heading
                goes_on = self.browser.click("#idBtn_Back") if cancels else self.answer()
            except Gone as gone:
                last = gone
                continue
            self.seen.append(heading)
            if not goes_on:
                return
            self.browser.wait_until_gone(page, end)
        raise TimeoutError(f"still on the way after {self.seen}") from last

    def answer(self):
        browser = self.browser
        if browser.find("#i0116"):
            self.hint = browser.value("#i0116")
            if not self.hint:
                browser.type("#i0116", self.does["user"])
            browser.click("#idSIButton9")
        elif browser.find("#i0118"):
            browser.type("#i0118", self.passwords.pop(0))
            browser.click("#idSIButton9")
        elif browser.find("#idTxtBx_SAOTCC_OTC"):
            browser.type("#idTxtBx_SAOTCC_OTC", self.does["code"])
            browser.click("#idSubmit_SAOTCC_Continue")
        elif browser.find("#otc"):
            browser.type("#otc", self.does["user_code"])
            browser.click("#idSIButton9")
        elif browser.find("#otherTile"):
            browser.click(f".tile[value='{self.does.get('account', '')}']")
        elif browser.find("#idSIButton9"):
            browser.click("#idSIButton9")
        else:
            return False
        return True


class Program:
    """The program that wants somebody to sign in; the address it opens is left in a file."""

    def __init__(self, home, program, words):
        self.opened = os.path.join(home, "opened")
        if os.path.exists(self.opened):
            os.remove(self.opened)
        os.makedirs(home + "/bin", exist_ok=True)
        with open(home + "/bin/xdg-open", "w", encoding="utf-8") as opener:
            opener.write(f"#!/bin/sh\nprintf %s \"$1\" >{self.opened}.new && mv {self.opened}.new {self.opened}\n")
        os.chmod(home + "/bin/xdg-open", 0o755)
        surroundings = {**os.environ, "DISPLAY": ":0", "PATH": f"{home}/bin:{os.environ['PATH']}"}
        self.process = subprocess.Popen([program, *words], env=surroundings, stdout=subprocess.PIPE, text=True)

    def url(self):
        end = time.monotonic() + LIMIT
        while not os.path.exists(self.opened):
            if time.monotonic() > end:
                raise TimeoutError("the program opens no address")
            time.sleep(0.02)
        with open(self.opened, encoding="utf-8") as opened:
            return opened.read()

    def line(self):
        return json.loads(self.process.stdout.readline())

    def answer(self):
        printed, _ = self.process.communicate(timeout=LIMIT)
        return json.loads(printed)


def visit(browser, home, program, case):
    running = Program(home, program, case["program"])
    does = case["person"]
    seen = {}
    if case["program"][0] == "device":
        code = running.line()
        does = {**does, "user_code": code["user_code"]}
        browser.open(code["verification_uri"])
    else:
        url = running.url()
        # Some servers answer by GET whatever was asked for.
        browser.open(url.replace("response_mode=form_post", "response_mode=" + case.get("comes_back_by", "form_post")))
        if "another_page" in does:
            asked = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
            [back] = asked["redirect_uri"]
            seen["another_page"] = browser.in_new_tab(back + does["another_page"])
    if does.get("leaves"):
        seen["page"] = browser.text("body")
    else:
        person = Person(browser, does)
        person.sign_in()
        seen.update(seen_pages=person.seen, hint=person.hint, page=browser.text("body"),
                    host=urllib.parse.urlsplit(browser.url()).hostname)
    return {**seen, **running.answer()}


def trust(home):
    """Puts the lab's authorities where Chromium looks for those of the user."""
    store = f"{home}/.pki/nssdb"
    os.makedirs(store)
    subprocess.run(["certutil", "-N", "-d", "sql:" + store, "--empty-password"], check=True)
    with open(os.environ["SILENTRY_CA_BUNDLE"], encoding="ascii") as bundle:
        authorities = bundle.read().split("-----BEGIN")[1:]
    for number, authority in enumerate(authorities):
        subprocess.run(["certutil", "-A", "-d", "sql:" + store, "-n", f"lab {number}", "-t", "C,,"],
                       input="-----BEGIN" + authority, text=True, check=True)


def main():
    program, case = sys.argv[1], json.loads(sys.argv[2])
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        if case.get("trusts", True):
            trust(home)
        surroundings = {**os.environ, "HOME": home, "TMPDIR": home, "no_proxy": "127.0.0.1"}
        os.environ["no_proxy"] = "127.0.0.1"
        with subprocess.Popen(["chromedriver", "--port=9515"], env=surroundings, stdout=subprocess.DEVNULL) as driver:
            try:
                browser = start(home, case.get("localhost"))
                visits = [visit(browser, home, program, one) for one in case["visits"]]
                version = browser.version
                browser.close()
            finally:
                driver.terminate()
    print(json.dumps({"version": version, "visits": visits}))


def start(home, resolve):
    for _ in range(200):
        try:
            return Browser(home, resolve)
        except urllib.error.URLError:
            time.sleep(0.05)
    raise TimeoutError("chromedriver does not answer")


main()
