# Bash functions for the pages of docs/operate.md, and docs/deploy.md. Needs AWS CLI 2 (version 1 reads binary attributes differently) and jq.
# Load it with: export STAGE=demo AWS_REGION=us-east-1 && . docs/operate.sh

: "${STAGE:?is not set: export STAGE=NAME AWS_REGION=REGION, then load this file again}"
STACK="p2p-gateway-$STAGE"
case "$(aws --version 2>&1)" in
  aws-cli/2.*) ;;
  *)
    echo "docs/operate.sh needs AWS CLI 2 (https://aws.amazon.com/cli/). Here is: $(aws --version 2>&1 | head -n 1)" >&2
    return 1
    ;;
esac
# AWS CLI 2 would open a pager at each answer.
export AWS_PAGER=''

# An output of the stack: output GrantsTable
output() {
  aws cloudformation describe-stacks --stack-name "$STACK" --output text \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"
}

# The name of a resource: resource FunctionsTokenFunction AWS::Lambda::Function
resource() {
  local resources
  resources=$(aws cloudformation list-stack-resources --stack-name "$STACK" --output json) || return 1
  jq -r --arg id "$1" --arg type "$2" <<<"$resources" \
    '.StackResourceSummaries[] | select(.ResourceType == $type and (.LogicalResourceId | startswith($id))) | .PhysicalResourceId'
}

# The resources of a type that the stack made and has not deleted, or those whose ids begin so: kept AWS::KMS::Key [ID]
kept() {
  aws cloudformation list-stack-resources --stack-name "$STACK" --output text \
    --query "StackResourceSummaries[?ResourceType=='$1' && starts_with(LogicalResourceId, '${2-}') && ResourceStatus!='DELETE_COMPLETE' && PhysicalResourceId].PhysicalResourceId"
}

# The secrets that tools made for payers, exchanges and webhooks; the stack neither makes nor deletes them
tool_secrets() {
  aws secretsmanager list-secrets --filters "Key=name,Values=p2p/$STAGE/" --output text \
    --query "SecretList[?!(Tags[?Key=='aws:cloudformation:stack-name'])].Name"
}

# A Logs Insights query over the last minutes of all log groups of the stage, or of one: insights 60 'filter outcome = "failed"' [GROUP]
insights() {
  local groups=${3-} id status results
  if [ -z "$groups" ]; then
    groups=$(aws logs describe-log-groups --log-group-name-prefix "$STACK-" --query 'logGroups[].logGroupName' --output text) || return 1
    # Without the capital, it would also be those of a stage such as prod-eu beside prod.
    groups=$(tr '\t' '\n' <<<"$groups" | grep "^$STACK-[[:upper:]]")
  fi
  # shellcheck disable=SC2086 # One argument for each group.
  id=$(aws logs start-query --log-group-names $groups --start-time "$(($(date +%s) - $1 * 60))" \
    --end-time "$(date +%s)" --query-string "$2" --query queryId --output text) || return 1
  while results=$(aws logs get-query-results --query-id "$id" --output json) || return 1 && status=$(jq -r .status <<<"$results") &&
    { [ "$status" = Scheduled ] || [ "$status" = Running ]; }; do
    sleep 1
  done
  jq -r '.results[] | map(select(.field != "@ptr") | "\(.field)=\(.value)") | join("  ")' <<<"$results"
  [ "$status" = Complete ] || { echo "The query ended as $status." >&2 && return 1; }
}

# The events that Lambda gave up, one a line, each hidden for ten minutes: given_up EventsDeliverDeadLetters
given_up() {
  local queue messages bodies
  queue=$(resource "$1" AWS::SQS::Queue) || return 1
  while messages=$(aws sqs receive-message --queue-url "$queue" --max-number-of-messages 10 --wait-time-seconds 5 \
    --visibility-timeout 600 --output json) || return 1 && bodies=$(jq -r '.Messages[]?.Body' <<<"$messages") && [ -n "$bodies" ]; do
    printf '%s\n' "$bodies"
  done
}

# Puts the read events between two times into the stream to the audit again, except those that were put there before:
# refile FROM_MS TO_MS [again] (epoch milliseconds; again: those too). After a break, the same command goes on.
refile() (
  new=' AND attribute_not_exists(refiledAt)'
  [ "${3-}" = again ] && new=''
  table=$(output AuditEventsTable) || return 1
  keys=$(aws dynamodb scan --table-name "$table" --projection-expression eventId --filter-expression "atMs BETWEEN :from AND :to$new" \
    --expression-attribute-values "{\":from\":{\"N\":\"$1\"},\":to\":{\"N\":\"$2\"}}" --output text --query 'Items[].eventId.[S]') || return 1
  total=$(grep -c . <<<"$keys")
  batches=0 pids='' failed=0
  # Each call takes a hundred; eight run at a time.
  while read -r batch; do
    refile_batch "$batch" &
    pids="$pids $!" batches=$((batches + 1))
    [ $((batches % 8)) = 0 ] || continue
    for pid in $pids; do wait "$pid" || failed=1; done
    pids=''
    echo "Asked for $((batches * 100)) of $total." >&2
  done < <(jq -cRn --arg table "$table" --arg now "$(date +%s)" '[inputs | select(. != "")] | range(0; length; 100) as $at | .[$at:$at + 100] |
    map({Update: {TableName: $table, Key: {eventId: {S: .}}, UpdateExpression: "SET refiledAt = :now",
      ConditionExpression: "attribute_exists(eventId)", ExpressionAttributeValues: {":now": {N: $now}}}})' <<<"$keys")
  for pid in $pids; do wait "$pid" || failed=1; done
  [ "$failed" = 0 ] && echo "Put all $total into the stream again." >&2 && return
  echo 'Some were not put into the stream. The same command puts the others.' >&2
  return 1
)

# One that expired since cancels its whole batch, so that the others are asked for in halves: refile_batch JSON
refile_batch() {
  local said
  said=$(aws dynamodb transact-write-items --transact-items file:///dev/stdin <<<"$1" 2>&1 >/dev/null) && return
  case "$said" in *ConditionalCheckFailed*) ;; *) echo "$said" >&2 && return 1 ;; esac
  [ "$(jq length <<<"$1")" -gt 1 ] || return 0
  refile_batch "$(jq -c '.[:(length / 2 | floor)]' <<<"$1")" && refile_batch "$(jq -c '.[(length / 2 | floor):]' <<<"$1")"
}

# Runs a command, whose resource may be gone already, or a key on its way: unless_gone aws dynamodb delete-table …
unless_gone() {
  local said
  said=$("$@" 2>&1 >/dev/null) && return
  case "$said" in *NotFound* | *NoSuchBucket* | *NoSuchEntity* | *'pending deletion'*) return 0 ;; esac
  echo "$said" >&2
  return 1
}

unprotect_table() {
  aws dynamodb update-table --table-name "$1" --no-deletion-protection-enabled && aws dynamodb wait table-exists --table-name "$1"
}

# API Gateway's log role stays while the account's setting names it, since every API of the account in the region logs by it:
# delete_log_role ROLE POLICY
delete_log_role() {
  local setting
  setting=$(aws apigateway get-account --query cloudwatchRoleArn --output text) || return 1
  case "$setting" in
    */"$1") echo "Left $1 and $2: the account's APIs log by them, until a deployment names others." && return ;;
  esac
  unless_gone aws iam detach-role-policy --role-name "$1" --policy-arn "$2" &&
    unless_gone aws iam delete-role --role-name "$1" && unless_gone aws iam delete-policy --policy-arn "$2"
}

# CloudFront takes hours to delete its copies of the edge function: delete_edge_function NAME
delete_edge_function() {
  local said
  said=$(aws lambda delete-function --function-name "$1" --region us-east-1 2>&1 >/dev/null) && return
  case "$said" in
    *ResourceNotFound*) return 0 ;;
    *'replicated function'*) echo "Left $1. In some hours: aws lambda delete-function --function-name $1 --region us-east-1" && return ;;
  esac
  echo "$said" >&2
  return 1
}

# Deletes a stage that no member has used: its stack, and all that the stack retains. A bucket must be empty.
delete_unused_stage() {
  local tables secrets others logs keys addresses buckets roles policies edge name answer failed=0
  tables=$(kept AWS::DynamoDB::Table) && secrets=$(kept AWS::SecretsManager::Secret) && others=$(tool_secrets) &&
    logs=$(kept AWS::Logs::LogGroup) && keys=$(kept AWS::KMS::Key) && addresses=$(kept AWS::EC2::EIP) &&
    buckets=$(kept AWS::S3::Bucket) && roles=$(kept AWS::IAM::Role ApiAccessLogRole) &&
    policies=$(kept AWS::IAM::ManagedPolicy ApiAccessLogPolicy) && edge=$(kept AWS::Lambda::Function EdgeOriginResponse) ||
    { echo 'AWS did not list all. Nothing was deleted.' >&2 && return 1; }
  printf '%s\n' "$STACK" $tables $secrets $others $logs $keys $addresses $buckets $roles $policies $edge
  printf 'All of this will be deleted. The name of the stage, to go on: '
  read -r answer
  [ "$answer" = "$STAGE" ] || { echo 'Nothing was deleted.' && return 1; }
  aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name "$STACK" || return 1
  # A table that could not be made has a name all the same.
  for name in $tables; do unless_gone unprotect_table "$name" || return 1; done
  aws cloudformation delete-stack --stack-name "$STACK" && aws cloudformation wait stack-delete-complete --stack-name "$STACK" || return 1
  for name in $tables; do unless_gone aws dynamodb delete-table --table-name "$name" || failed=1; done
  for name in $secrets $others; do unless_gone aws secretsmanager delete-secret --secret-id "$name" --force-delete-without-recovery || failed=1; done
  for name in $logs; do unless_gone aws logs delete-log-group --log-group-name "$name" || failed=1; done
  for name in $keys; do unless_gone aws kms schedule-key-deletion --key-id "$name" --pending-window-in-days 7 || failed=1; done
  # An address is known as PublicIp|AllocationId. EC2 releases it by the second.
  for name in $addresses; do unless_gone aws ec2 release-address --allocation-id "${name##*|}" || failed=1; done
  for name in $buckets; do unless_gone aws s3api delete-bucket --bucket "$name" || failed=1; done
  for name in $roles; do delete_log_role "$name" "$policies" || failed=1; done
  [ -n "$roles" ] || for name in $policies; do unless_gone aws iam delete-policy --policy-arn "$name" || failed=1; done
  for name in $edge; do delete_edge_function "$name" || failed=1; done
  return "$failed"
}

# Deletes all versions in a bucket, a thousand at a time: empty BUCKET [--bypass-governance-retention]
empty() {
  local listed versions before='' errors
  while listed=$(aws s3api list-object-versions --bucket "$1" --max-items 1000 --output json) || return 1 &&
    versions=$(jq -c '{Quiet: true, Objects: [(.Versions // [])[], (.DeleteMarkers // [])[] | {Key, VersionId}] | select(. != [])}' \
      <<<"$listed") && [ -n "$versions" ]; do
    [ "$versions" != "$before" ] || { echo 'S3 deleted nothing.' >&2 && return 1; }
    # A thousand versions are more than a command may have as an argument.
    errors=$(aws s3api delete-objects --bucket "$1" --delete file:///dev/stdin ${2:+"$2"} --output json \
      --query 'Errors[].Message' <<<"$versions") || return 1
    case "$errors" in '' | null | '[]') ;; *) echo "$errors" >&2 && return 1 ;; esac
    before=$versions
  done
}
