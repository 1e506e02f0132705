"""Receives the gateway's events: WEBHOOK_SECRETS='whsec_… whsec_…' python3 receive_events.py 8080"""
import base64, hashlib, hmac, json, os, re, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# An empty secret would let anyone sign.
SECRETS = re.findall("whsec_[A-Za-z0-9+/]{32,}={0,2}", os.environ.get("WEBHOOK_SECRETS", ""))
if not SECRETS:
    sys.exit("Set WEBHOOK_SECRETS to the secret of your webhook, whsec_…")
if len(sys.argv) != 2:
    sys.exit("Give the port to listen on, such as 8080.")
seen = set()  # In your app: use a database, so that it survives a restart.
under_way, lock = set(), threading.Lock()


def hand_on(event_id, event):
    """Hands an event on. In your app: put it into a queue, and raise if the queue does not take it."""
    print(event_id, event["type"], event["data"].get("export") or event["data"].get("grant") or "", flush=True)


def is_signed(headers, body):
    sent = headers.get("webhook-timestamp", "")
    if not re.fullmatch("[0-9]{1,15}", sent) or abs(time.time() - int(sent)) > 300:
        return False
    content = f"{headers.get('webhook-id', '')}.{sent}.".encode() + body  # The signature covers every byte.
    for secret in SECRETS:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        expected = "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
        for given in headers.get("webhook-signature", "").split(" "):
            if hmac.compare_digest(given.encode(), expected.encode()):
                return True
    return False


class Receiver(BaseHTTPRequestHandler):
    timeout = 15  # Seconds. A sender that stops keeps its thread no longer.

    def do_POST(self):
        length = self.headers.get("content-length", "0")
        if not re.fullmatch("[0-9]{1,5}", length) or int(length) > 65536:  # An event has a few hundred bytes.
            return self.answer(413)
        body = self.rfile.read(int(length))
        if not is_signed(self.headers, body):
            return self.answer(401)
        event_id = self.headers["webhook-id"]
        with lock:
            if event_id in under_way:
                return self.answer(503)  # It may still fail: the gateway sends it again.
            if event_id in seen:
                return self.answer(204)
            under_way.add(event_id)
        try:
            hand_on(event_id, json.loads(body))
            seen.add(event_id)  # Not before: an event that failed here is sent again.
        except Exception as error:
            print(error, file=sys.stderr, flush=True)
            return self.answer(503)  # The gateway sends it again.
        finally:
            under_way.discard(event_id)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("", int(sys.argv[1])), Receiver)
print("listening on", server.server_port, flush=True)
server.serve_forever()
