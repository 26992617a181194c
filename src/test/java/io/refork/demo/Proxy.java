package io.refork.demo;

import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * {@code kubectl proxy}, so that whatever kubectl can log in to will do: the client takes neither
 * every kind of key nor every login plugin. Others of this machine can reach the port, so it serves
 * reads of one namespace only. The kernel ends it with us, however we end.
 */
final class Proxy implements AutoCloseable {
  private static final Pattern SERVING = Pattern.compile("Starting to serve on (\\S+)");

  private final Process process;
  private final KubernetesClient client;

  /** Call it on a thread that lives as long as the program: kubectl dies with that thread. */
  Proxy(String namespace) throws IOException {
    process =
        new ProcessBuilder(
                "setpriv",
                "--pdeathsig",
                "KILL",
                "--",
                "kubectl",
                "proxy",
                "--port=0",
                // What we ask for and no more: whoever is on this machine may ask, too.
                "--accept-paths="
                    + Stream.of(
                            "/api/v1/namespaces/%s/pods(/[^/:]+)?",
                            "/api/v1/namespaces/%s/pods/[^/]+/log",
                            "/api/v1/namespaces/%s/pods/[^/]+:7300/proxy/metrics",
                            "/apis/refork.io/v1alpha1/namespaces/%s/workerpools(/[^/]+)?")
                        .map(path -> "^" + path.formatted(namespace) + "$")
                        .collect(Collectors.joining(",")),
                "--reject-methods=POST,PUT,PATCH,DELETE")
            .redirectErrorStream(true)
            .start();
    var first =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))
            .readLine();
    var serving = SERVING.matcher(String.valueOf(first));
    if (!serving.find()) {
      throw new IOException("kubectl proxy says: " + first);
    }
    client =
        new KubernetesClientBuilder()
            .withConfig(
                new ConfigBuilder(io.fabric8.kubernetes.client.Config.empty())
                    .withMasterUrl("http://" + serving.group(1))
                    .withRequestTimeout(5_000)
                    .build())
            .build();
  }

  KubernetesClient client() {
    return client;
  }

  @Override
  public void close() {
    client.close();
    process.destroy();
  }
}
