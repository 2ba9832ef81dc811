# Runs the collection with newman, Postman's runner, against a base URL or otherwise Adobe's hosts.
set -eu
base_url=${1:+"--env-var PLATFORM=$1 --env-var IMS=$1"}
exec newman run "$(dirname "$0")/with_newman.postman_collection.json" --env-var "STAND_IN=$MOCKSERVER_URL" $base_url
