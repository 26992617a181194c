package io.refork.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Quantity;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every quantity that the schema takes is one that the operator can decode and compare. */
class QuantityPatternTest {
  @Test
  @DisplayName("OP-01 what the schema takes as a quantity, the client library reads")
  void read() {
    var amounts = "0 1 007 +1 -1 .5 5. 1.25 -.5 +5. 12345678901234567890.12345678901234567890";
    var units = ",Ki,Mi,Gi,Ti,Pi,Ei,n,u,m,k,M,G,T,P,E,e3,E3,e+3,E-3,e99,E-99";
    for (var amount : amounts.split(" ")) {
      for (var unit : units.split(",")) {
        var text = amount + unit;
        assertThat(text).matches(PodTemplateSchema.QUANTITY);
        var quantity = Quantity.parse(text);
        assertThat(quantity).as(text).isEqualTo(new Quantity(amount, unit));
        assertThat(quantity.getNumericalAmount()).as(text).isNotNull();
      }
    }
  }

  @ParameterizedTest(name = "OP-01 the schema refuses the quantity {0}")
  @ValueSource(
      strings = {
        "", " ", "Mi", ".", "-", "+m", "1K", "1mi", "1 Mi", "1,5", "1e", "1e1.5", "1e100", "1MiB",
        "0x10", "1..2", "१"
      })
  void refused(String text) {
    assertThat(text).doesNotMatch(PodTemplateSchema.QUANTITY);
  }
}
