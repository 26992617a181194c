package io.refork.operator.pods;

import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.PodSecurityContextBuilder;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.SecurityContextBuilder;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the restricted pod security standard asks for, wherever the user has not said otherwise,
 * field by field; and a read-only root, with a {@code /tmp} in its place.
 */
final class Security {
  private Security() {}

  static PodSecurityContext pod(@Nullable PodSecurityContext given) {
    var context = Optional.ofNullable(given).orElseGet(PodSecurityContext::new);
    var builder = new PodSecurityContextBuilder(context);
    var user = context.getRunAsUser();
    boolean root = user != null && user == 0;
    if (context.getRunAsNonRoot() == null && !root) {
      builder.withRunAsNonRoot(true);
    }
    if (context.getSeccompProfile() == null) {
      builder.withNewSeccompProfile().withType("RuntimeDefault").endSeccompProfile();
    }
    return builder.build();
  }

  /** Of the application's container. */
  static SecurityContext application(@Nullable SecurityContext given) {
    var context = Optional.ofNullable(given).orElseGet(SecurityContext::new);
    var builder = new SecurityContextBuilder(context);
    boolean privileged = Boolean.TRUE.equals(context.getPrivileged());
    // The API server refuses a privileged container that must not escalate.
    if (context.getAllowPrivilegeEscalation() == null && !privileged) {
      builder.withAllowPrivilegeEscalation(false);
    }
    if (context.getCapabilities() == null && !privileged) {
      builder.withNewCapabilities().withDrop("ALL").endCapabilities();
    }
    if (context.getReadOnlyRootFilesystem() == null) {
      builder.withReadOnlyRootFilesystem(true);
    }
    return builder.build();
  }

  /** Of the container that copies the agent: it writes to its volume and nowhere else. */
  static SecurityContext installer() {
    return application(null);
  }
}
