#!/bin/sh
# Before everything is deleted: take back the one role that was given outside of the resource group,
# or the subscription keeps an assignment to an identity that no longer exists.
set -eu

az role assignment delete \
  --assignee "$TUNEDROP_IDENTITY" \
  --scope "/subscriptions/$AZURE_SUBSCRIPTION_ID" ||
  echo "The app's role on the subscription could not be taken back; it gives nobody anything." >&2
