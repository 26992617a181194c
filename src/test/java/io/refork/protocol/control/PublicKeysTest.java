package io.refork.protocol.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PublicKeysTest {
  private static final String X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

  private static PublicKeys read(String text) throws PublicKeys.InvalidKeysException {
    return PublicKeys.read(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  @DisplayName("what is written is read, and equal rings have equal texts")
  void roundTrip() throws Exception {
    var keys =
        new PublicKeys(
            Tokens.ISSUER,
            Map.of("b", Tokens.newKey().getPublic(), "a", Tokens.newKey().getPublic()));
    var text = keys.write();
    assertThat(read(text)).isEqualTo(keys);
    assertThat(read(text).write()).isEqualTo(text);
    assertThat(text).startsWith("{\"issuer\":\"refork/installation-1\",\"keys\":[{\"kid\":\"a\",");
  }

  @Test
  @DisplayName("members of a later version are ignored; no keys at all are allowed")
  void later() throws Exception {
    var ring =
        read(
            "{\"v\":[1],\"issuer\":\"i\",\"keys\":[{\"kid\":\"a\",\"x\":\""
                + X
                + "\",\"use\":{}}]}");
    assertThat(ring.key("a")).isPresent();
    assertThat(ring.key("b")).isEmpty();
    assertThat(read("{\"issuer\":\"i\",\"keys\":[]}").keys()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          []                                                   | no JSON object
          {                                                    | no JSON object
          {"issuer":"i","keys":[]} x                           | no JSON object
          {"keys":[]}                                          | issuer
          {"issuer":"a b","keys":[]}                           | issuer
          {"issuer":1,"keys":[]}                               | "issuer" must be a string
          {"issuer":"i","keys":{}}                             | "keys" must be a list
          {"issuer":"i","keys":["a"]}                          | each of "keys" must be an object
          {"issuer":"i","keys":[{"kid":"a","x":"AAAA"}]}       | base64url of its 32 bytes
          {"issuer":"i","keys":[{"kid":"a"}]}                  | base64url of its 32 bytes
          {"issuer":"i","keys":[{"kid":"a b","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]} | kid
          {"issuer":"i","keys":[{"kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo="}]} | base64url
          """)
  @DisplayName("what is no key ring is refused with a sentence")
  void broken(String text, String sentence) {
    assertThatThrownBy(() -> read(text))
        .isInstanceOf(PublicKeys.InvalidKeysException.class)
        .hasMessageContaining(sentence);
  }

  @Test
  @DisplayName("nine keys, one name twice, a key of another kind, a text that is too long")
  void bounds() throws Exception {
    var key = "{\"kid\":\"NAME\",\"x\":\"" + X + "\"}";
    var nine = new StringBuilder("{\"issuer\":\"i\",\"keys\":[");
    for (int i = 0; i < 9; i++) {
      nine.append(i == 0 ? "" : ",").append(key.replace("NAME", "k" + i));
    }
    assertThatThrownBy(() -> read(nine + "]}")).hasMessageContaining("at most 8");
    assertThatThrownBy(() -> read("{\"issuer\":\"i\",\"keys\":[" + key + "," + key + "]}"))
        .hasMessageContaining("once");
    var ec = java.security.KeyPairGenerator.getInstance("EC").generateKeyPair().getPublic();
    assertThatThrownBy(() -> new PublicKeys("i", Map.of("a", ec))).hasMessageContaining("Ed25519");
    assertThatThrownBy(() -> read(" ".repeat(9000))).hasMessageContaining("8192");
  }
}
