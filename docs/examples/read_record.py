"""Signs a member in and reads the record: python3 read_record.py BASE CLIENT_ID REDIRECT_URI"""
import http.server, json, os, sys, urllib.parse
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session

base, client_id, redirect_uri = sys.argv[1:]
secret = os.environ.get("CLIENT_SECRET")
if urllib.parse.urlsplit(base).hostname == "localhost":
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

# Discovery finds the endpoints, and PKCE and state are made for this one sign-in.
session = OAuth2Session(
    client_id,
    secret,
    token_endpoint_auth_method="none" if secret is None else "client_secret_basic",
    redirect_uri=redirect_uri,
    scope="launch/patient patient/*.rs offline_access",
    code_challenge_method="S256",
)
smart = session.get(f"{base}/.well-known/smart-configuration", withhold_token=True).json()
session.metadata["token_endpoint"] = smart["token_endpoint"]  # Authlib refreshes there by itself.
verifier = generate_token(64)
url, state = session.create_authorization_url(smart["authorization_endpoint"], code_verifier=verifier, aud=base)


# The member signs in, and the browser brings the code to the redirect URI.
class Callback(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.redirect = urllib.parse.urljoin(redirect_uri, self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"You can close this page.")

    def log_message(self, *_):
        pass


at = urllib.parse.urlsplit(redirect_uri)
server = http.server.HTTPServer((at.hostname, at.port), Callback)
print(f"Open this in a browser:\n{url}", flush=True)
server.handle_request()

# The code becomes tokens. A wrong state throws here.
tokens = session.fetch_token(
    smart["token_endpoint"], authorization_response=server.redirect, state=state, code_verifier=verifier
)

# The record comes in pages.
resources, page = [], f"{base}/Patient/{tokens['patient']}/$everything"
while page:
    answer = session.get(page, headers={"Accept": "application/fhir+json"})
    bundle = answer.json()
    if not answer.ok:
        sys.exit(f"{answer.status_code} {bundle['issue'][0].get('diagnostics')}")
    resources += [entry["resource"] for entry in bundle.get("entry", [])]
    page = next((link["url"] for link in bundle.get("link", []) if link["relation"] == "next"), None)
    if page and not page.startswith(base):  # The payer writes links; the token is for the gateway only.
        sys.exit(f"The next page is elsewhere: {page}")
with open("record.ndjson", "w") as file:
    file.writelines(json.dumps(resource) + "\n" for resource in resources)
print(f"record.ndjson has {len(resources)} resources.")
