#!/bin/sh
# Signs a member in and reads the record, with curl, jq and openssl: sh read-record.sh BASE CLIENT_ID REDIRECT_URI
set -eu
[ $# -eq 3 ] || { echo 'sh read-record.sh BASE CLIENT_ID REDIRECT_URI' >&2; exit 1; }
base=${1%/} client_id=$2 redirect_uri=$3
# Asks the gateway. An error ends the program with what the gateway says.
ask() { answer=$(curl --silent --show-error --fail-with-body "$@") || { printf '%s\n' "$answer" >&2; exit 1; }; printf %s "$answer"; }

# Discovery finds the endpoints, and PKCE and state are made for this one sign-in.
smart=$(ask "$base/.well-known/smart-configuration")
endpoint() { printf %s "$smart" | jq --raw-output ".$1"; }
verifier=$(openssl rand -hex 32)
state=$(openssl rand -hex 16)
challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | openssl base64 | tr '+/' '-_' | tr -d '=')
query="response_type=code&client_id=$client_id&redirect_uri=$redirect_uri&state=$state&aud=$base"
query="$query&scope=launch/patient%20patient/*.rs%20offline_access"
echo 'Open this in a browser:'
echo "$(endpoint authorization_endpoint)?$query&code_challenge=$challenge&code_challenge_method=S256"

# The browser ends at the redirect URI. Nothing listens there, but the address bar has the code.
echo 'Paste the address at which the browser ended:'
read -r address
case $address in *"state=$state"*) ;; *) echo 'This is not the answer to this sign-in.' >&2 && exit 1 ;; esac
# A parameter of the address, decoded: %28 is \u0028 in JSON.
parameter() { printf '%s\n' "$address" | sed -n "s/.*[?&]$1=\([^&]*\).*/\"\1\"/p" | sed 's/+/ /g; s/%/\\u00/g' | jq --raw-output .; }
error=$(parameter error)
[ -z "$error" ] || { echo "$error: $(parameter error_description)" >&2; exit 1; }
code=$(parameter code)

# The code becomes tokens.
tokens=$(ask "$(endpoint token_endpoint)" \
  --data-urlencode 'grant_type=authorization_code' --data-urlencode "code=$code" \
  --data-urlencode "redirect_uri=$redirect_uri" --data-urlencode "client_id=$client_id" \
  --data-urlencode "code_verifier=$verifier")
access_token=$(printf %s "$tokens" | jq --raw-output .access_token)

# The record comes in pages.
next="$base/Patient/$(printf %s "$tokens" | jq --raw-output .patient)/\$everything"
: >record.ndjson
pages=0
while [ -n "$next" ]; do
  pages=$((pages + 1))
  [ $pages -le 10000 ] || { echo 'There are over 10,000 pages.' >&2; exit 1; }
  page=$(ask --header "Authorization: Bearer $access_token" "$next")
  printf %s "$page" | jq --compact-output '.entry[]?.resource' >>record.ndjson
  next=$(printf %s "$page" | jq --raw-output '.link[]? | select(.relation == "next") | .url')
  # The payer writes links; the token is for the gateway only.
  case $next in '' | "$base?"* | "$base/"*) ;; *) echo "The next page is elsewhere: $next" >&2 && exit 1 ;; esac
done
echo "record.ndjson has $(wc -l <record.ndjson | tr -d ' ') resources."
