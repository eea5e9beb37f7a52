/**
 * Names that packed maps write as small numbers instead of texts: the members of the objects and messages that come most often. The
 * encoder and the decoder share the table, and stored values keep its numbers for ever: it may grow at its end and never change before.
 *
 *     0-127     one byte, the number itself      0x02            type
 *     128-255   two bytes, 0xcc before it        0xcc 0x80       operatingSystem
 *
 * A map from another program has texts for keys, which are read as ever.
 */

/** Two bytes can name so many. */
export const NAMES_MAX = 256;

export const names: readonly string[] = `
name status apiVersion type kind namespace observedGeneration uid resources lastTransitionTime metadata image volumeMounts readOnly
mountPath ip lastProbeTime spec labels creationTimestamp cpu memory ownerReferences key terminationGracePeriodSeconds containers dnsPolicy
restartPolicy securityContext schedulerName imagePullPolicy terminationMessagePath terminationMessagePolicy generateName generation
conditions phase serviceAccount path preemptionPolicy enableServiceLinks serviceAccountName volumes projected priority tolerations
qosClass nodeName value requests code group version containerStatuses imageID ready restartCount allocatedResources containerID lastState
started state recursiveReadOnly hostIP hostIPs podIP podIPs startTime resource verb items body effect operator tolerationSeconds query
fieldPath app pod-template-hash reason controller blockOwnerDeletion message quiet deletionTimestamp deletionGracePeriodSeconds
resourceVersion reportingInstance running startedAt sources serviceAccountToken expirationSeconds configMap downwardAPI fieldRef
defaultMode count lastTimestamp component involvedObject source firstTimestamp reportingComponent host revision address annotations object
subresource limits ports protocol containerPort port targetPort env args command selector matchLabels template replicas terminated
exitCode finishedAt data labelSelector

operatingSystem beta.kubernetes.io/arch beta.kubernetes.io/os kubernetes.io/arch kubernetes.io/hostname kubernetes.io/os podCIDR podCIDRs
addresses allocatable capacity daemonEndpoints nodeInfo architecture bootID containerRuntimeVersion kernelVersion kubeProxyVersion
kubeletVersion machineID osImage systemUUID ephemeral-storage hugepages-1Gi hugepages-2Mi pods kubeletEndpoint Port taints
lastHeartbeatTime topology.kubernetes.io/zone topology.kubernetes.io/region node.kubernetes.io/instance-type holderIdentity
leaseDurationSeconds renewTime acquireTime leaseTransitions verbs apiGroups rules resourceNames nonResourceURLs subjects roleRef apiGroup
eventTime target reportingController action regarding note related series lastObservedTime patchType preconditions fieldManager dryRun
deleted watch allowWatchBookmarks limit fieldSelector stringData immutable waiting terminatingReplicas updatedReplicas readyReplicas
availableReplicas fullyLabeledReplicas unavailableReplicas strategy rollingUpdate maxSurge maxUnavailable revisionHistoryLimit
progressDeadlineSeconds collisionCount minReadySeconds finalizers persistentVolumeClaim claimName emptyDir secret secretName hostPath
readinessProbe livenessProbe httpGet periodSeconds timeoutSeconds successThreshold failureThreshold initialDelaySeconds initContainers
initContainerStatuses affinity nodeSelector matchExpressions values topologyKey topologySpreadConstraints whenUnsatisfiable maxSkew
priorityClassName clusterIP clusterIPs ipFamilies ipFamilyPolicy sessionAffinity internalTrafficPolicy endpoints targetRef parallelism
completions backoffLimit active succeeded failed completionTime
`
  .split(/\s+/)
  .filter((name) => name !== '');

/** The number of a name that has one. */
export const numberOfName: ReadonlyMap<string, number> = new Map(names.map((name, number) => [name, number]));
