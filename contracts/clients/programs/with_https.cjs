// Lists connections with Node's https module, its own agent and a given token.
const https = require('node:https');

const agent = new https.Agent({ keepAlive: true });

function call(url, options, body) {
  return new Promise((resolve, reject) => {
    const request = https.request(url, { agent, ...options }, (answer) => {
      let text = '';
      answer.on('data', (piece) => (text += piece));
      answer.on('end', () => resolve(text));
    });
    request.on('error', reject);
    request.end(body);
  });
}

const form = 'grant_type=client_credentials&client_id=client&client_secret=a-secret&scope=openid';
const type = { 'Content-Type': 'application/x-www-form-urlencoded' };

call('https://ims-na1.adobelogin.com/ims/token/v3', { method: 'POST', headers: type }, form)
  .then((issued) => {
    const headers = {
      Authorization: `Bearer ${JSON.parse(issued).access_token}`,
      'x-api-key': 'client',
      'x-gw-ims-org-id': '5C1328435BF324E90A49402A@AdobeOrg',
      'x-sandbox-name': 'prod',
    };
    return call('https://platform.adobe.io/data/foundation/flowservice/connections', { headers });
  })
  .then((list) => console.log(list))
  .finally(() => agent.destroy());
