#!/bin/sh
# After the code is live: subscribe the app to dropped datasets (infra/subscription.bicep).
#
# The host makes its key blobs_extension when it first runs the code, and only then does it answer
# Event Grid's handshake; both can take minutes after a first deployment, so each is tried for a while.
set -eu

here=$(dirname "$0")
attempts=${TUNEDROP_ATTEMPTS:-30}
pause=${TUNEDROP_PAUSE_SECONDS:-10}
complaint=$(mktemp)
trap 'rm -f "$complaint"' EXIT

# Runs its arguments until they succeed and print something, which is not passed on: it may be a key.
patiently() {
  attempt=1
  while :; do
    if said=$("$@" 2>"$complaint") && [ -n "$said" ]; then
      return 0
    fi
    if [ "$attempt" -ge "$attempts" ]; then
      echo "Given up after $attempts attempts; the last one said:" >&2
      cat "$complaint" >&2
      return 1
    fi
    attempt=$((attempt + 1))
    sleep "$pause"
  done
}

echo "Waiting for the app's host to make its event key"
patiently az functionapp keys list \
  --subscription "$AZURE_SUBSCRIPTION_ID" \
  --resource-group "$AZURE_RESOURCE_GROUP" \
  --name "$TUNEDROP_SITE" \
  --query systemKeys.blobs_extension \
  --output tsv # only whether there is one: the template reads it itself

echo "Subscribing the app to dropped datasets"
attempts=5
patiently az deployment group create \
  --subscription "$AZURE_SUBSCRIPTION_ID" \
  --resource-group "$AZURE_RESOURCE_GROUP" \
  --name drops \
  --template-file "$here/../subscription.bicep" \
  --parameters \
  app="$TUNEDROP_SITE" \
  topic="$TUNEDROP_TOPIC" \
  storageAccount="$TUNEDROP_STORAGE" \
  datasets="$TUNEDROP_DATASETS" \
  --query properties.provisioningState \
  --output tsv

echo "Ready: drop a dataset into $TUNEDROP_STORAGE, container $TUNEDROP_DATASETS; chat at $TUNEDROP_APP/api/v1"
