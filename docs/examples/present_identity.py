"""Gets tokens with a member's identity token, in one call: python3 present_identity.py BASE CLIENT_ID KEY_FILE KEY_ID"""
import datetime, json, os, sys, time, uuid
import requests
from authlib.jose import JsonWebKey, jwt

# One line for what goes wrong, such as a gateway that cannot be reached.
sys.excepthook = lambda kind, error, _: print(f"{kind.__name__}: {error}", file=sys.stderr)
if len(sys.argv) != 5:
    sys.exit(__doc__)
base, client_id, key_file, kid = sys.argv[1].rstrip("/"), *sys.argv[2:]
# From your identity provider, as soon as the member has agreed and signed in there.
id_token = os.environ.get("ID_TOKEN") or sys.exit("Set ID_TOKEN to an id token of your identity provider.")
agreed_at = datetime.datetime.now(datetime.timezone.utc).isoformat()


def ok(answer):
    """The answer, unless it is an error: that ends the program with what the gateway says."""
    if not answer.ok:
        sys.exit(f"{answer.status_code} {answer.text}")
    return answer


token_endpoint = ok(requests.get(f"{base}/.well-known/smart-configuration")).json()["token_endpoint"]

# The assertion that your key signs says who the member is, and that the member agreed.
claims = {
    "iss": client_id,
    "sub": client_id,
    "aud": token_endpoint,
    "jti": str(uuid.uuid4()),
    "exp": int(time.time()) + 60,
    "extensions": {
        "cms_smart": {
            "version": "1",
            "purpose_of_use": "PATRQT",
            "id_token": id_token,
            "consent_attestation": {"user_action": "approved", "user_action_timestamp": agreed_at},
        }
    },
}
with open(key_file, "rb") as file:
    key = JsonWebKey.import_key(file.read())
algorithm = "ES384" if key.kty == "EC" else "RS384"
assertion = jwt.encode({"alg": algorithm, "typ": "JWT", "kid": kid}, claims, key).decode()

# `resource` says which payer.
form = {
    "grant_type": "client_credentials",
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    "client_assertion": assertion,
    "resource": base,
    "scope": "launch/patient patient/*.rs offline_access",
}
print(json.dumps(ok(requests.post(token_endpoint, data=form)).json(), indent=2))
