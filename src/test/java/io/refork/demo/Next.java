package io.refork.demo;

/** What to type after a demonstration; every line works as it is printed. */
final class Next {
  private Next() {}

  /**
   * @param shell what a new shell has to know first
   * @param make before the word make, for the same cluster
   */
  static String text(String namespace, String shell, String make) {
    return """

        The cluster stays, with visitors for half an hour. Try, in a shell of your own:

          %2$s
          alias k='kubectl -n %1$s'
          k describe wp shop                        # conditions, the last wave, Events
          k exec deployment/shop -c shop -- /opt/refork/bin/refork status
          k patch wp shop --type=merge -p '{"spec":{"refork":{"requestedAt":"'$(date -Is)'"}}}'; k get wp -w
          k patch wp shop --type=merge -p '{"spec":{"workers":6}}'    # no pod is replaced
          k scale wp shop --replicas=3
          k delete $(k get pod -l refork.io/pool=shop -o name | head -1)   # no visitor notices
          k logs visitors -f                        # what they see, a line a second

        A mistake that only forks of a warm worker make: the first pod's canary worker answers errors, the pod goes back,
        and the pool says so.

          k patch wp shop --type=json -p '[{"op":"add","path":"/spec/template/spec/containers/0/env","value":[{"name":"SHOP_FAULT","value":"stale-connection"}]}]'
          k get wp -w                               # Updating, Canary, then ReforkAborted
          k describe wp shop
          k patch wp shop --type=json -p '[{"op":"remove","path":"/spec/template/spec/containers/0/env"}]'

        %3$smake demo-down ends it; %3$smake demo starts the shop over.
        """
        .formatted(namespace, shell, make);
  }
}
