# Lists connections with curl, as in Adobe's tutorials, and a given token.
set -eu
token=$(curl --silent --show-error --fail -X POST 'https://ims-na1.adobelogin.com/ims/token/v3' \
  -d 'grant_type=client_credentials' -d 'client_id=client' -d 'client_secret=a-secret' -d 'scope=openid' |
  sed 's/.*"access_token":"\([^"]*\)".*/\1/')
curl --silent --show-error --fail 'https://platform.adobe.io/data/foundation/flowservice/connections' \
  -H "Authorization: Bearer $token" -H 'x-api-key: client' \
  -H 'x-gw-ims-org-id: 5C1328435BF324E90A49402A@AdobeOrg' -H 'x-sandbox-name: prod'
