"""The published wrapper for Python, unmodified, against the sandbox. It insists on the exact statuses the live service had.

Start the sandbox, then: SANDBOX_URL=http://127.0.0.1:4567/flowdock python clients_test.py
"""

import os
import sys
import tempfile
import threading
import unittest

import flowdock
import requests

URL = os.environ["SANDBOX_URL"]
flowdock.API = URL
flowdock.STREAM = f"{URL}/stream"


class Wrapper(unittest.TestCase):
    def setUp(self):
        requests.post(f"{URL}/_sandbox/reset").raise_for_status()
        users = requests.get(f"{URL}/_sandbox/").json()["users"]
        self.ada, self.bob = ({"token": it["token"]} for it in users[:2])
        self.flow = flowdock.connect(**self.ada, org="acme", flow="main")

    def test_chat_is_sent_shown_edited_listed_and_deleted(self):
        sent = self.flow.send("Hello from Python", tags=["python"])
        self.assertEqual(self.flow.show(sent["id"])["content"], "Hello from Python")
        self.flow.edit(sent["id"], content="Hello, edited", tags=["python", "edited"])
        found = self.flow.list(tags=["edited"], limit=1, sort="desc")
        self.assertEqual([it["content"] for it in found], ["Hello, edited"])
        self.flow.delete(sent["id"])
        self.assertEqual(self.flow.show(sent["id"])["content"], "")

    def test_a_thread_is_spoken_in_and_listed(self):
        sent = self.flow.send("A beginning")
        thread = self.flow.thread(sent["thread_id"])
        thread.send("A reply")
        self.assertEqual([it["content"] for it in thread.list()], ["A beginning", "A reply"])
        self.assertEqual(self.flow.threads(limit=1)[0]["id"], sent["thread_id"])

    def test_a_file_is_uploaded_fetched_by_a_redirect_and_deleted(self):
        with tempfile.NamedTemporaryFile(suffix=".txt") as file:
            file.write(b"hello")
            file.flush()
            sent = self.flow.upload(file.name)
        self.assertEqual(self.flow.download(sent["content"]["path"]), b"hello")
        self.flow.delete(sent["id"])

    def test_two_whisper(self):
        private = flowdock.connect(**self.ada)(name="bob")
        sent = private.send("Psst")
        private.edit(sent["id"], content="Pst")
        self.assertEqual(private.list(limit=1)[0]["content"], "Pst")
        private.delete(sent["id"])

    def test_an_integration_presents_items(self):
        source = requests.post(f"{URL}/_sandbox/sources", json={"user": "ada", "flow": "acme/main", "name": "Python"})
        integration = flowdock.connect(flow_token=source.json()["flow_token"])
        make = flowdock.constructors
        author = make.author(name="Octo", avatar="https://avatars.example/1")
        fields = [make.field(label="Team", value="Product")]
        status = make.status(color="lime", value="open")
        thread = make.thread("From Python", body="<b>Look</b>", fields=fields, status=status)
        integration.present("python:1", author, "opened", thread=thread)
        integration.present("python:1", author, "commented", body="Seen")
        found = self.flow.threads(limit=1)[0]
        self.assertEqual((found["title"], found["activities"], found["external_comments"]), ("From Python", 1, 1))

    def test_events_arrive(self):
        heard = []
        events = self.flow.events()
        listener = threading.Thread(target=lambda: heard.append(next(events)), daemon=True)
        listener.start()
        other = flowdock.connect(**self.bob, org="acme", flow="main")
        while listener.is_alive():
            # Until the listener is connected nobody hears it.
            other.send("Is this thing on?")
            listener.join(timeout=0.2)
        self.assertEqual(heard[0]["content"], "Is this thing on?")


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    wrong = len(result.failures) + len(result.errors)
    print(f"# pass {result.testsRun - wrong}\n# fail {wrong}")
    sys.exit(wrong != 0)
