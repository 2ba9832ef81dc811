"""Lists connections with urllib of the standard library and a given token."""

import json
import urllib.request
from urllib.parse import urlencode

form = {"grant_type": "client_credentials", "client_id": "client", "client_secret": "a-secret", "scope": "openid"}
request = urllib.request.Request("https://ims-na1.adobelogin.com/ims/token/v3", urlencode(form).encode())
with urllib.request.urlopen(request, timeout=10) as answer:
    token = json.load(answer)["access_token"]
headers = {
    "Authorization": f"Bearer {token}",
    "x-api-key": "client",
    "x-gw-ims-org-id": "5C1328435BF324E90A49402A@AdobeOrg",
    "x-sandbox-name": "prod",
}
request = urllib.request.Request("https://platform.adobe.io/data/foundation/flowservice/connections", headers=headers)
with urllib.request.urlopen(request, timeout=10) as answer:
    print(json.load(answer))
