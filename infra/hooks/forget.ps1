# Before everything is deleted: take back the one role that was given outside of the resource group,
# or the subscription keeps an assignment to an identity that no longer exists.
az role assignment delete `
    --assignee $env:TUNEDROP_IDENTITY `
    --scope "/subscriptions/$env:AZURE_SUBSCRIPTION_ID"
if ($LASTEXITCODE -ne 0) {
    [Console]::Error.WriteLine("The app's role on the subscription could not be taken back; it gives nobody anything.")
    exit 0
}
