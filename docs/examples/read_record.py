"""Signs a member in and reads the record: python3 read_record.py BASE CLIENT_ID REDIRECT_URI"""
import http.server, json, os, sys, urllib.parse
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session

# One line for what goes wrong, such as a gateway that cannot be reached.
sys.excepthook = lambda kind, error, _: print(f"{kind.__name__}: {error}", file=sys.stderr)
if len(sys.argv) != 4:
    sys.exit(__doc__)
base, client_id, redirect_uri = sys.argv[1].rstrip("/"), *sys.argv[2:]
secret = os.environ.get("CLIENT_SECRET")
if urllib.parse.urlsplit(base).hostname == "localhost":
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"


def ok(answer):
    """The answer, unless it is an error: that ends the program with what the gateway says."""
    if not answer.ok:
        sys.exit(f"{answer.status_code} {answer.text}")
    return answer


# Discovery finds the endpoints, and PKCE and state are made for this one sign-in.
session = OAuth2Session(
    client_id,
    secret,
    token_endpoint_auth_method="none" if secret is None else "client_secret_basic",
    redirect_uri=redirect_uri,
    scope="launch/patient patient/*.rs offline_access",
    code_challenge_method="S256",
)
session.register_compliance_hook("access_token_response", ok)
smart = ok(session.get(f"{base}/.well-known/smart-configuration", withhold_token=True)).json()
session.metadata["token_endpoint"] = smart["token_endpoint"]  # Authlib refreshes there by itself.
verifier = generate_token(64)
url, state = session.create_authorization_url(smart["authorization_endpoint"], code_verifier=verifier, aud=base)


# The member signs in, and the browser brings the code to the redirect URI. It may ask for other paths, too.
class Callback(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path != at.path:
            return self.send_error(404)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"You can close this page.")
        self.server.back = dict(urllib.parse.parse_qsl(query))
        self.server.shutdown()

    def log_message(self, *_):
        pass


at = urllib.parse.urlsplit(redirect_uri)
server = http.server.ThreadingHTTPServer((at.hostname, at.port), Callback)
print(f"Open this in a browser:\n{url}", flush=True)
server.serve_forever()
if server.back.get("state") != state:
    sys.exit("This is not the answer to this sign-in.")
if "error" in server.back:
    sys.exit(f"{server.back['error']}: {server.back.get('error_description')}")

# The code becomes tokens.
tokens = session.fetch_token(smart["token_endpoint"], code=server.back.get("code"), code_verifier=verifier)

# The record comes in pages.
resources, page, pages = [], f"{base}/Patient/{tokens['patient']}/$everything", 0
while page:
    pages += 1
    if pages > 10_000:
        sys.exit("There are over 10,000 pages.")
    bundle = ok(session.get(page, headers={"Accept": "application/fhir+json"})).json()
    resources += [entry["resource"] for entry in bundle.get("entry", [])]
    page = next((link["url"] for link in bundle.get("link", []) if link["relation"] == "next"), None)
    # The payer writes links; the token is for the gateway only.
    if page and not page.startswith((f"{base}?", f"{base}/")):
        sys.exit(f"The next page is elsewhere: {page}")
with open("record.ndjson", "w") as file:
    file.writelines(json.dumps(resource) + "\n" for resource in resources)
print(f"record.ndjson has {len(resources)} resources.")
