package io.refork.operator.agents;

import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.refork.protocol.Escape;
import java.net.HttpURLConnection;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The one Secret with the operator's {@link Keys}. It is made when it is missing and never changed:
 * the API server decides which of two operators that start together makes it.
 */
public final class KeySecret {
  /** Made by another operator and deleted again before it was read; once is odd, thrice a fault. */
  private static final int TRIES = 3;

  private final KubernetesClient client;
  private final String namespace;
  private final String name;

  /**
   * @param namespace the operator's own
   */
  public KeySecret(KubernetesClient client, String namespace, String name) {
    this.client = client;
    this.namespace = namespace;
    this.name = name;
  }

  /**
   * The keys in it; made now when there is no such Secret. Waits for the API server.
   *
   * @throws KeyUnavailableException when it is malformed, or cannot be read or made
   */
  public Keys keys() throws KeyUnavailableException {
    try {
      for (int i = 0; i < TRIES; i++) {
        var found = read().or(this::create);
        if (found.isPresent()) {
          return Keys.read(decoded(found.get()), where());
        }
      }
    } catch (KubernetesClientException e) {
      throw new KeyUnavailableException(sentence(e));
    }
    throw new KeyUnavailableException(
        "the Secret " + where() + " appears and vanishes: who deletes it?");
  }

  private Optional<Secret> read() {
    return Optional.ofNullable(client.secrets().inNamespace(namespace).withName(name).get());
  }

  /** Empty when somebody else was faster. */
  private Optional<Secret> create() {
    var data = new HashMap<String, String>();
    Keys.fresh().forEach((key, bytes) -> data.put(key, Base64.getEncoder().encodeToString(bytes)));
    var secret =
        new SecretBuilder()
            .withNewMetadata()
            .withNamespace(namespace)
            .withName(name)
            .addToLabels("app.kubernetes.io/name", "refork")
            .addToLabels("app.kubernetes.io/managed-by", "refork-operator")
            .endMetadata()
            .withType("Opaque")
            .withData(data)
            .build();
    try {
      return Optional.of(client.resource(secret).create());
    } catch (KubernetesClientException e) {
      if (e.getCode() == HttpURLConnection.HTTP_CONFLICT) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private Map<String, byte[]> decoded(Secret secret) throws KeyUnavailableException {
    var data = new HashMap<String, byte[]>();
    try {
      Optional.ofNullable(secret.getData())
          .orElse(Map.of())
          .forEach((key, text) -> data.put(key, Base64.getDecoder().decode(text)));
    } catch (IllegalArgumentException e) {
      throw new KeyUnavailableException("the Secret " + where() + " is not base64");
    }
    return data;
  }

  private String where() {
    return Escape.plain(name, 253) + " in namespace " + Escape.plain(namespace, 63);
  }

  private String sentence(KubernetesClientException e) {
    return switch (e.getCode()) {
      case HttpURLConnection.HTTP_FORBIDDEN ->
          "may not get or create the Secret "
              + where()
              + ", which holds the signing key: the operator needs the chart's Role in its own"
              + " namespace";
      case HttpURLConnection.HTTP_NOT_FOUND ->
          "cannot make the Secret "
              + where()
              + " for the signing key: is REFORK_NAMESPACE the namespace that the operator runs in?";
      default ->
          "cannot get or make the Secret "
              + where()
              + " for the signing key: "
              + Escape.plain(String.valueOf(e.getMessage()), Escape.MAX);
    };
  }
}
