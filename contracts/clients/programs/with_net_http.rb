# Lists connections with Ruby's Net::HTTP and a given token.
require 'json'
require 'net/http'

form = { grant_type: 'client_credentials', client_id: 'client', client_secret: 'a-secret', scope: 'openid' }
issued = Net::HTTP.post_form(URI('https://ims-na1.adobelogin.com/ims/token/v3'), form)
headers = {
  'Authorization' => "Bearer #{JSON.parse(issued.body)['access_token']}",
  'x-api-key' => 'client',
  'x-gw-ims-org-id' => '5C1328435BF324E90A49402A@AdobeOrg',
  'x-sandbox-name' => 'prod'
}
address = URI('https://platform.adobe.io/data/foundation/flowservice/connections')
ask = Net::HTTP::Get.new(address, headers)
answer = Net::HTTP.start(address.host, address.port, use_ssl: true) { |http| http.request(ask) }
answer.value # raises unless it is a 2xx
puts answer.body
