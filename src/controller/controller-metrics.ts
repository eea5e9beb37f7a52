/**
 * The metrics of single controllers, with upstream's names, labels and buckets: one line each. A controller asks for its own by
 * their prefix and counts by name; series without labels are there from the beginning, the others from their first value on.
 *
 * @see https://kubernetes.io/docs/reference/instrumentation/metrics/
 */
import type { Counter, Gauge, Histogram, Metrics } from '../runtime/index.ts';

interface Row {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  readonly buckets: readonly number[];
}

const exponential = (start: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, at) => Number((start * factor ** at).toPrecision(12)));
const counter = (help: string, ...labels: string[]): Row => ({ kind: 'counter', help, labels, buckets: [] });
const gauge = (help: string, ...labels: string[]): Row => ({ kind: 'gauge', help, labels, buckets: [] });
const histogram = (help: string, buckets: readonly number[], ...labels: string[]): Row => ({
  kind: 'histogram',
  help,
  labels,
  buckets,
});
const perSync = exponential(2, 2, 15);
const deletionSeconds = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30, 60, 120, 180, 240];
const syncSeconds = exponential(0.001, 2, 15);

const rows = {
  job_controller_job_sync_duration_seconds: histogram(
    'The time it took to sync a job',
    exponential(0.004, 2, 15),
    'completion_mode',
    'result',
    'action',
  ),
  job_controller_job_syncs_total: counter('The number of job syncs', 'completion_mode', 'result', 'action'),
  job_controller_jobs_finished_total: counter('The number of finished jobs', 'completion_mode', 'result', 'reason'),
  job_controller_job_pods_finished_total: counter(
    'The number of finished Pods that are fully tracked',
    'completion_mode',
    'result',
  ),
  job_controller_job_finished_indexes_total: counter('The number of finished indexes', 'status', 'backoffLimit'),
  job_controller_job_pods_creation_total: counter(
    'The number of Pods created by the Job controller',
    'reason',
    'status',
  ),
  job_controller_pod_failures_handled_by_failure_policy_total: counter(
    'The number of failed Pods handled by failure policy, by the action of the rule that matched',
    'action',
  ),
  job_controller_terminated_pods_tracking_finalizer_total: counter(
    'The number of terminated pods that have the finalizer batch.kubernetes.io/job-tracking',
    'event',
  ),
  job_controller_jobs_by_external_controller_total: counter(
    'The number of Jobs managed by an external controller',
    'controller_name',
  ),
  cronjob_controller_job_creation_skew_duration_seconds: histogram(
    'Time between when a cronjob is scheduled to be run, and when the corresponding job is created',
    exponential(1, 2, 10),
  ),
  ttl_after_finished_controller_job_deletion_duration_seconds: histogram(
    'The time it took to delete the job since it became eligible for deletion',
    exponential(0.1, 2, 14),
  ),
  replicaset_controller_sorting_deletion_age_ratio: histogram(
    "The ratio of chosen deleted pod's ages to the current youngest pod's age (at the time)",
    exponential(0.25, 2, 6),
  ),
  horizontal_pod_autoscaler_controller_reconciliations_total: counter(
    'Number of reconciliations of HPA controller',
    'action',
    'error',
  ),
  horizontal_pod_autoscaler_controller_reconciliation_duration_seconds: histogram(
    'The time(seconds) that the HPA controller takes to reconcile once',
    syncSeconds,
    'action',
    'error',
  ),
  horizontal_pod_autoscaler_controller_metric_computation_duration_seconds: histogram(
    'The time(seconds) that the HPA controller takes to calculate one metric',
    syncSeconds,
    'action',
    'error',
    'metric_type',
  ),
  horizontal_pod_autoscaler_controller_metric_computation_total: counter(
    'Number of metric computations',
    'action',
    'error',
    'metric_type',
  ),
  horizontal_pod_autoscaler_controller_num_horizontal_pod_autoscalers: gauge('Number of HPA objects under control'),
  horizontal_pod_autoscaler_controller_desired_replicas: gauge(
    'Replicas that an HPA object asks for',
    'namespace',
    'hpa_name',
  ),
  endpoint_slice_controller_endpoints_added_per_sync: histogram(
    'Number of endpoints added on each Service sync',
    perSync,
  ),
  endpoint_slice_controller_endpoints_removed_per_sync: histogram(
    'Number of endpoints removed on each Service sync',
    perSync,
  ),
  endpoint_slice_controller_changes: counter('Number of EndpointSlice changes', 'operation'),
  endpoint_slice_controller_syncs: counter('Number of EndpointSlice syncs', 'result'),
  endpoint_slice_controller_num_endpoint_slices: gauge('Number of EndpointSlices'),
  endpoint_slice_controller_desired_endpoint_slices: gauge(
    'Number of EndpointSlices that would exist with perfect endpoint allocation',
  ),
  endpoint_slice_controller_services_count_by_traffic_distribution: gauge(
    'Number of Services using some specific trafficDistribution',
    'traffic_distribution',
  ),
  endpoint_slice_controller_endpoints_desired: gauge('Number of endpoints desired'),
  endpoint_slice_mirroring_controller_num_endpoint_slices: gauge('Number of EndpointSlices'),
  endpoint_slice_mirroring_controller_endpoints_desired: gauge('Number of endpoints desired'),
  endpoint_slice_mirroring_controller_desired_endpoint_slices: gauge(
    'Number of EndpointSlices that would exist with perfect endpoint allocation',
  ),
  endpoint_slice_mirroring_controller_changes: counter('Number of EndpointSlice changes', 'operation'),
  endpoint_slice_mirroring_controller_endpoints_added_per_sync: histogram(
    'Number of endpoints added on each Endpoints sync',
    perSync,
  ),
  endpoint_slice_mirroring_controller_endpoints_updated_per_sync: histogram(
    'Number of endpoints updated on each Endpoints sync',
    perSync,
  ),
  endpoint_slice_mirroring_controller_endpoints_removed_per_sync: histogram(
    'Number of endpoints removed on each Endpoints sync',
    perSync,
  ),
  endpoint_slice_mirroring_controller_addresses_skipped_per_sync: histogram(
    'Number of addresses skipped on each Endpoints sync due to being invalid or exceeding MaxEndpointsPerSubset',
    perSync,
  ),
  endpoint_slice_mirroring_controller_endpoints_sync_duration: histogram(
    'Duration of syncEndpoints() in seconds',
    syncSeconds,
  ),
  node_ipam_controller_cidrset_cidrs_allocations_total: counter(
    'Counter measuring total number of CIDR allocations.',
    'clusterCIDR',
  ),
  node_ipam_controller_cidrset_cidrs_releases_total: counter(
    'Counter measuring total number of CIDR releases.',
    'clusterCIDR',
  ),
  // Spelt as upstream spells it.
  node_ipam_controller_cirdset_max_cidrs: gauge('Maximum number of CIDRs that can be allocated.', 'clusterCIDR'),
  node_ipam_controller_cidrset_usage_cidrs: gauge('Gauge measuring percentage of allocated CIDRs.', 'clusterCIDR'),
  node_ipam_controller_cidrset_allocation_tries_per_request: histogram(
    'Number of CIDRs that were looked at for each allocation',
    exponential(1, 5, 5),
    'clusterCIDR',
  ),
  running_managed_controllers: gauge(
    'Indicates where instances of a controller are currently running',
    'name',
    'manager',
  ),
  garbagecollector_controller_resources_sync_error_total: counter('Number of garbage collector resources sync errors'),
  root_ca_cert_publisher_sync_duration_seconds: histogram(
    'Number of namespace syncs happened in root ca cert publisher.',
    syncSeconds,
    'code',
  ),
  root_ca_cert_publisher_sync_total: counter('Number of namespace syncs happened in root ca cert publisher.', 'code'),
  clustertrustbundle_publisher_sync_total: counter(
    'Number of syncs that occurred in cluster trust bundle publisher.',
    'code',
  ),
  clustertrustbundle_publisher_sync_duration_seconds: histogram(
    'The time it took to sync a cluster trust bundle.',
    syncSeconds,
    'code',
  ),
  pod_gc_collector_force_delete_pods_total: counter(
    'Number of pods that are being forcefully deleted since the Pod GC Controller started.',
    'namespace',
    'reason',
  ),
  pod_gc_collector_force_delete_pod_errors_total: counter(
    'Number of errors encountered when forcefully deleting the pods since the Pod GC Controller started.',
    'namespace',
    'reason',
  ),
  taint_eviction_controller_pod_deletions_total: counter(
    'Total number of Pods deleted by TaintEvictionController since its start.',
  ),
  taint_eviction_controller_pod_deletion_duration_seconds: histogram(
    'Latency, in seconds, between the time when a taint effect has been activated for the Pod and its deletion via TaintEvictionController.',
    deletionSeconds,
  ),
  device_taint_eviction_controller_pod_deletions_total: counter(
    'Total number of Pods deleted by DeviceTaintEvictionController since its start.',
  ),
  device_taint_eviction_controller_pod_deletion_duration_seconds: histogram(
    "Latency, in seconds, between the time when a device taint effect has been activated and a Pod's deletion via DeviceTaintEvictionController.",
    deletionSeconds,
  ),
  node_collector_zone_health: gauge('Gauge measuring percentage of healthy nodes per zone.', 'zone'),
  node_collector_zone_size: gauge('Gauge measuring number of registered Nodes per zones.', 'zone'),
  node_collector_unhealthy_nodes_in_zone: gauge('Gauge measuring number of not Ready Nodes per zones.', 'zone'),
  node_collector_update_node_health_duration_seconds: histogram(
    'Duration in seconds for NodeController to update the health of a single node.',
    exponential(0.001, 4, 8),
  ),
  node_collector_update_all_nodes_health_duration_seconds: histogram(
    'Duration in seconds for NodeController to update the health of all nodes.',
    exponential(0.01, 4, 8),
  ),
  node_collector_evictions_total: counter(
    'Number of Node evictions that happened since current instance of NodeController started.',
    'zone',
  ),
  ephemeral_volume_controller_create_total: counter('Number of PersistentVolumeClaim creation requests'),
  ephemeral_volume_controller_create_failures_total: counter(
    'Number of PersistentVolumeClaim creation requests that failed',
  ),
  resourceclaim_controller_creates_total: counter(
    'Number of ResourceClaims creation requests, categorized by creation status and admin access',
    'status',
    'admin_access',
  ),
  resourceclaim_controller_resource_claims: gauge(
    "Number of ResourceClaims, categorized by allocation status, admin access, and source. Source can be 'resource_claim_template' (created from a template), 'extended_resource' (extended resources), or empty (manually created by a user).",
    'allocated',
    'admin_access',
    'source',
  ),
  pv_collector_total_pv_count: gauge(
    'Gauge measuring total number of persistent volumes',
    'plugin_name',
    'volume_mode',
  ),
  pv_collector_bound_pv_count: gauge('Gauge measuring number of persistent volume currently bound', 'storage_class'),
  pv_collector_unbound_pv_count: gauge(
    'Gauge measuring number of persistent volume currently unbound',
    'storage_class',
  ),
  pv_collector_bound_pvc_count: gauge(
    'Gauge measuring number of persistent volume claim currently bound',
    'namespace',
    'storage_class',
    'volume_attributes_class',
  ),
  pv_collector_unbound_pvc_count: gauge(
    'Gauge measuring number of persistent volume claim currently unbound',
    'namespace',
    'storage_class',
    'volume_attributes_class',
  ),
  attachdetach_controller_total_volumes: gauge('Number of volumes in A/D Controller', 'plugin_name', 'state'),
  attachdetach_controller_forced_detaches: counter(
    'Number of times the A/D Controller performed a forced detach',
    'reason',
  ),
  storage_count_attachable_volumes_in_use: gauge('Measure number of volumes in use', 'node', 'volume_plugin'),
  service_controller_loadbalancer_sync_total: counter(
    'A metric counting the amount of times any load balancer has been configured, as an effect of service/node changes on the cluster',
  ),
} as const satisfies Readonly<Record<string, Row>>;

export type ControllerMetric = keyof typeof rows;

export interface ControllerMetrics {
  /** Adds to a counter, by the values of its labels. */
  count(name: ControllerMetric, values?: readonly string[], amount?: number): void;
  /** Sets a gauge. */
  set(name: ControllerMetric, values: readonly string[], value: number): void;
  /** Files a value in a histogram. */
  observe(name: ControllerMetric, values: readonly string[], value: number): void;
}

/** The metrics whose names begin with `prefix`, such as `job_controller_`. */
export function controllerMetrics(metrics: Metrics, prefix: string): ControllerMetrics {
  const cells = new Map<string, Counter & Gauge & Histogram>();

  function cellOf(name: ControllerMetric, values: readonly string[]): Counter & Gauge & Histogram {
    const key = `${name}\n${values.join('\n')}`;
    let cell = cells.get(key);
    if (cell !== undefined) return cell;
    const { kind, help, labels, buckets }: Row = rows[name];
    const named = Object.fromEntries(labels.map((label, at) => [label, values[at] ?? '']));
    const made =
      kind === 'histogram' ? metrics.histogram(name, help, buckets, named) : metrics[kind](name, help, named);
    cell = made as Counter & Gauge & Histogram;
    cells.set(key, cell);
    return cell;
  }

  for (const [name, { labels }] of Object.entries(rows)) {
    if (name.startsWith(prefix) && labels.length === 0) cellOf(name as ControllerMetric, []);
  }
  return {
    count: (name, values = [], amount = 1) => cellOf(name, values).add(amount),
    set: (name, values, value) => cellOf(name, values).set(value),
    observe: (name, values, value) => cellOf(name, values).observe(value),
  };
}
