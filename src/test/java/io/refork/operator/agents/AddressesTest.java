package io.refork.operator.agents;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AddressesTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "127.0.0.1",
        "127.255.0.9",
        "::1",
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "169.254.169.254",
        "fe80::1",
        "fe80::1%eth0",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
        "240.0.0.1",
        "localhost",
        "metadata.google.internal",
        "10.0.0.1:80",
        "10.0.0",
        "10.1",
        "167772161",
        "0x0a.0.0.1",
        "010.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "",
        " ",
        "10.0.0.1 ",
        "10.0.0.1\n",
        "[fd00::1]",
        "user@10.0.0.1",
        "10.0.0.1/24"
      })
  @DisplayName("OP-12 what is no address of a pod")
  void refused(String ip) {
    assertThat(Addresses.of(ip, false)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "100.64.0.7",
        "8.8.8.8",
        "fd00:10:244::5",
        "2001:db8::17"
      })
  @DisplayName("OP-12 addresses that pods have")
  void allowed(String ip) {
    assertThat(Addresses.of(ip, false)).isPresent();
  }

  @Test
  @DisplayName("OP-12 where the kubelet is played, loopback and nothing else in addition")
  void played() {
    assertThat(Addresses.of("127.3.2.1", true)).isPresent();
    assertThat(Addresses.of("::1", true)).isPresent();
    assertThat(Addresses.of("::ffff:127.0.0.1", true)).isEmpty();
    assertThat(Addresses.of("localhost", true)).isEmpty();
    assertThat(Addresses.of("169.254.169.254", true)).isEmpty();
    assertThat(Addresses.of("0.0.0.0", true)).isEmpty();
  }
}
