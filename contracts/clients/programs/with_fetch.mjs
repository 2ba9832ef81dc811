// Lists connections with Node's fetch, which supports no proxy in version 20, and a given token.
const form = new URLSearchParams({
  grant_type: 'client_credentials', client_id: 'client', client_secret: 'a-secret', scope: 'openid',
});
const issued = await fetch('https://ims-na1.adobelogin.com/ims/token/v3', { method: 'POST', body: form });
const headers = {
  Authorization: `Bearer ${(await issued.json()).access_token}`,
  'x-api-key': 'client',
  'x-gw-ims-org-id': '5C1328435BF324E90A49402A@AdobeOrg',
  'x-sandbox-name': 'prod',
};
const answer = await fetch('https://platform.adobe.io/data/foundation/flowservice/connections', { headers });
console.log(await answer.text());
