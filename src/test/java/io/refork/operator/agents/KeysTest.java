package io.refork.operator.agents;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.refork.protocol.control.PublicKeys;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class KeysTest {
  private static final String WHERE = "refork-operator-key in namespace refork-system";

  private final Map<String, byte[]> data = new HashMap<>(Keys.fresh());
  private final String kid = new String(data.get("current"), UTF_8);

  @Test
  @DisplayName("TOK-09 each installation has a name and a key of its own, both stable")
  void fresh() throws Exception {
    var keys = Keys.read(data, WHERE);
    assertThat(keys.publicKeys()).isEqualTo(Keys.read(data, WHERE).publicKeys());
    var other = Keys.read(Keys.fresh(), WHERE);
    var ring = PublicKeys.read(keys.publicKeys().getBytes(UTF_8));
    var otherRing = PublicKeys.read(other.publicKeys().getBytes(UTF_8));
    assertThat(ring.issuer()).isNotEqualTo(otherRing.issuer());
    assertThat(ring.keys()).hasSize(1).containsOnlyKeys(kid);
    assertThat(otherRing.keys()).doesNotContainKey(kid);
  }

  @Test
  @DisplayName("TOK-16 a next key is given to the pods before it signs")
  void next() throws Exception {
    var next = Keys.fresh();
    var nextKid = new String(next.get("current"), UTF_8);
    data.put(nextKid + ".key", next.get(nextKid + ".key"));
    data.put(nextKid + ".pub", next.get(nextKid + ".pub"));
    var before = Keys.read(data, WHERE);
    assertThat(PublicKeys.read(before.publicKeys().getBytes(UTF_8)).keys())
        .containsOnlyKeys(kid, nextKid);
    assertThat(kidOfToken(before)).isEqualTo(kid);
    data.put("current", nextKid.getBytes(UTF_8));
    assertThat(kidOfToken(Keys.read(data, WHERE))).isEqualTo(nextKid);
    data.remove(kid + ".key");
    data.remove(kid + ".pub");
    assertThat(PublicKeys.read(Keys.read(data, WHERE).publicKeys().getBytes(UTF_8)).keys())
        .containsOnlyKeys(nextKid);
  }

  private static String kidOfToken(Keys keys) {
    var token =
        keys.signer(InstantSource.system(), new SecureRandom())
            .sign("u1", "PUT", "/v1/desired", new byte[0]);
    var header =
        new String(
            java.util.Base64.getUrlDecoder().decode(token.substring(0, token.indexOf('.'))), UTF_8);
    return header.replaceAll(".*\"kid\":\"([^\"]*)\".*", "$1");
  }

  @TestFactory
  @DisplayName("TOK-09 a malformed Secret is one clear sentence that tells nothing of the key")
  Stream<DynamicTest> malformed() {
    var rows = new LinkedHashMap<String, Map<String, byte[]>>();
    rows.put("empty", Map.of());
    rows.put("no issuer", without("issuer"));
    rows.put("blank issuer", with("issuer", " \n"));
    rows.put("an issuer with a line end", with("issuer", "a\nb"));
    rows.put("no current", without("current"));
    rows.put("current names nobody", with("current", "other"));
    rows.put("current is a path", with("current", "../../etc/passwd"));
    rows.put("no private half", without(kid + ".key"));
    rows.put("no public half", without(kid + ".pub"));
    rows.put("garbage for the private half", with(kid + ".key", "garbage"));
    rows.put("garbage for the public half", with(kid + ".pub", "garbage"));
    rows.put(
        "the public half twice", with(kid + ".key", new String(data.get(kid + ".pub"), UTF_8)));
    rows.put(
        "PEM of garbage",
        with(kid + ".pub", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
    var other = Keys.fresh();
    var otherKid = new String(other.get("current"), UTF_8);
    rows.put(
        "another key's private half",
        with(kid + ".key", new String(other.get(otherKid + ".key"), UTF_8)));
    rows.put("a next key that is garbage", with("next.pub", "garbage"));
    return rows.entrySet().stream()
        .map(
            row ->
                dynamicTest(
                    "TOK-09 " + row.getKey(),
                    () ->
                        assertThatThrownBy(() -> Keys.read(row.getValue(), WHERE))
                            .isInstanceOf(KeyUnavailableException.class)
                            .hasMessageStartingWith("the signing key in Secret " + WHERE)
                            .hasMessageContaining("restore the Secret")
                            .satisfies(
                                e ->
                                    assertThat(e.getMessage())
                                        .matches("[ -~]*")
                                        .doesNotContain("MC4C"))));
  }

  private Map<String, byte[]> without(String name) {
    var copy = new HashMap<>(data);
    copy.remove(name);
    return copy;
  }

  private Map<String, byte[]> with(String name, String value) {
    var copy = new HashMap<>(data);
    copy.put(name, value.getBytes(UTF_8));
    return copy;
  }
}
