package io.refork.node;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Tests on a real one-node Kubernetes: kubelet, containerd, the chart, the images. They need root,
 * and are skipped without it. A constructor or test may have a {@link Node} as parameter. What the
 * cluster knows of a failure lies in target/test-reports/node, and the worst of it in the message.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("node")
@ExtendWith(NodeExtension.class)
@interface OnNode {}
