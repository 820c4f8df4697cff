#!/bin/sh
# Before anything is made: is there what the later steps need? Nothing is changed here but the
# registration of resource providers, which a new subscription lacks.
set -eu

if ! command -v az >/dev/null 2>&1; then
  echo "The Azure CLI (az) is missing: install it, because the event subscription is made with it." >&2
  exit 1
fi

if ! az account show --subscription "$AZURE_SUBSCRIPTION_ID" --query id --output tsv >/dev/null; then
  echo "az is not signed in to subscription $AZURE_SUBSCRIPTION_ID: run 'az login', then this again." >&2
  exit 1
fi

for provider in Microsoft.Web Microsoft.App Microsoft.EventGrid Microsoft.CognitiveServices \
  Microsoft.Storage Microsoft.Network Microsoft.Insights Microsoft.OperationalInsights \
  Microsoft.ManagedIdentity; do
  az provider register --namespace "$provider" --subscription "$AZURE_SUBSCRIPTION_ID" >/dev/null
done
