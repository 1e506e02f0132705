#!/bin/sh
# Gets tokens with a member's identity token, with curl, jq and openssl: sh present-identity.sh BASE CLIENT_ID KEY_FILE KEY_ID
set -eu
[ $# -eq 4 ] || { echo 'ID_TOKEN=… sh present-identity.sh BASE CLIENT_ID KEY_FILE KEY_ID' >&2; exit 1; }
[ -n "${ID_TOKEN:-}" ] || { echo 'Set ID_TOKEN to an id token of your identity provider.' >&2; exit 1; }
base=${1%/} client_id=$2 key_file=$3 kid=$4
# Asks the gateway. An error ends the program with what the gateway says.
ask() { answer=$(curl --silent --show-error --fail-with-body "$@") || { printf '%s\n' "$answer" >&2; exit 1; }; printf %s "$answer"; }
configuration=$(ask "$base/.well-known/smart-configuration")
token_endpoint=$(printf %s "$configuration" | jq --raw-output .token_endpoint)
base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

# When the member agreed, with milliseconds: two approvals that look alike count as one.
agreed_at=$(jq --null-input --raw-output 'now | "\(floor | todate[:-1]).\(. * 1000 % 1000 + 1000 | floor | tostring[1:])Z"')

# The assertion that your key signs says who the member is, and that the member agreed. ID_TOKEN is from your identity provider.
case $(openssl pkey -in "$key_file" -noout -text) in *P-384*) alg=ES384 ;; *) alg=RS384 ;; esac
header=$(jq --null-input --compact-output --arg alg $alg --arg kid "$kid" '{alg: $alg, typ: "JWT", kid: $kid}' | base64url)
claims=$(jq --null-input --compact-output --arg client_id "$client_id" --arg aud "$token_endpoint" \
  --arg jti "$(openssl rand -hex 16)" --arg agreed_at "$agreed_at" '
  {
    iss: $client_id, sub: $client_id, aud: $aud, jti: $jti, exp: (now + 60 | floor),
    extensions: {cms_smart: {
      version: "1", purpose_of_use: "PATRQT", id_token: env.ID_TOKEN,
      consent_attestation: {user_action: "approved", user_action_timestamp: $agreed_at}
    }}
  }' | base64url)
# openssl writes an ES384 signature as ASN.1; a JWT needs r and s, 48 bytes each.
numbers() {
  [ $alg = ES384 ] || { cat; return; }
  openssl asn1parse -inform DER | sed -n 's/.*INTEGER *://p' | while read -r number; do printf '%96s\n' "$number"; done |
    tr ' ' 0 | fold -w 2 | while read -r byte; do printf "\\$(printf %03o "0x$byte")"; done
}
signature=$(printf %s "$header.$claims" | openssl dgst -sha384 -sign "$key_file" -binary | numbers | base64url)

# `resource` says which payer. The form comes from standard input, so that no other process sees the identity.
tokens=$(printf %s "$header.$claims.$signature" | ask "$token_endpoint" \
  --data-urlencode 'grant_type=client_credentials' \
  --data-urlencode 'client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer' \
  --data-urlencode 'client_assertion@-' --data-urlencode "resource=$base" \
  --data-urlencode 'scope=launch/patient patient/*.rs offline_access')
printf %s "$tokens" | jq .
