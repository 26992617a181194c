package io.refork.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/**
 * {@code make dev}: the packaged operator in a cluster to play with, until Ctrl-C. Nodes and agents
 * are played: pods run no processes, reforks take a quarter of a minute.
 */
public final class Dev {
  private Dev() {}

  public static void main(String[] args) throws Exception {
    System.out.println("starting etcd, kube-apiserver, kube-controller-manager …");
    var cluster = Cluster.start();
    var stopped = new CountDownLatch(1);
    cluster.agents().behave(b -> b.reforkTakes(Duration.ofSeconds(15)).eligibleBelow(1));
    var folder = place(cluster.controlPlane());
    System.out.println("starting the operator …");
    var operator =
        OperatorProcess.of(cluster)
            .in(cluster.controlPlane().namespace())
            .with("REFORK_POLL_INTERVAL", "2s")
            .with("REFORK_LOG_JSON", "false")
            .start();
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  operator.close();
                  cluster.close();
                  stopped.countDown();
                }));
    operator.awaitReady();
    System.out.print(instructions(folder));
    follow(operator, stopped);
  }

  /** Under target/dev, so that paths are short and the same each time. */
  private static Path place(ControlPlane controlPlane) throws IOException {
    var folder = Files.createDirectories(Path.of("target/dev")).toAbsolutePath();
    Files.copy(
        controlPlane.kubeconfig(),
        folder.resolve("kubeconfig"),
        StandardCopyOption.REPLACE_EXISTING);
    var kubectl = folder.resolve("kubectl");
    Files.deleteIfExists(kubectl);
    Files.createSymbolicLink(kubectl, Binaries.of("kubectl"));
    return folder;
  }

  private static String instructions(Path folder) {
    return """

        Ready. In a second shell:

          export KUBECONFIG=%1$s/kubeconfig PATH=%1$s:$PATH
          kubectl apply -f deploy/samples/minimal.yaml
          kubectl scale wp shop --replicas=3
          kubectl get wp -w

        Each pod reforks once by itself; the first one is watched for a minute.

        Ask for a wave: every pod reforks once, one of them first and alone.

          kubectl patch wp shop --type=merge -p '{"spec":{"refork":{"requestedAt":"'$(date -Is)'"}}}'

        Break the pods (abort, refuse, silent, garbage; ok mends them), ask for another wave, and
        let the pool say what happened.

          kubectl annotate pod -l refork.io/pool=shop --overwrite %2$s=abort
          kubectl describe wp shop

        Nodes and agents are played here: no process runs in the pods, a refork takes 15 s.
        Ctrl-C ends it all. What the operator logs:

        """
        .formatted(folder, SimulatedAgents.FAULT);
  }

  private static void follow(OperatorProcess operator, CountDownLatch stopped) throws Exception {
    int shown = 0;
    while (operator.alive() && stopped.getCount() > 0) {
      var text = operator.output();
      System.out.print(text.substring(Math.min(shown, text.length())));
      shown = text.length();
      Thread.sleep(500);
    }
    if (stopped.getCount() > 0) {
      System.out.println("the operator has ended");
      System.exit(1);
    }
  }
}
