package io.refork.agent.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;

/**
 * The annotated test runs in a JVM of its own that was started as the agent's is: signals blocked,
 * interpreted, {@code -Xrs}. {@code waitpid(-1)} there takes no other test's children, and signals
 * reach the signalfd. The method takes a {@link LinuxKernel} or nothing, and fails by throwing; its
 * output is shown then.
 */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(InOwnJvm.Extension.class)
@interface InOwnJvm {
  /** Whether {@code env --block-signal} stands in front, as the launcher does it. */
  boolean blocked() default true;

  /** What else the JVM gets. */
  String[] options() default {};

  /** Runs in the other JVM: {@code Class method}. */
  final class Main {
    private Main() {}

    public static void main(String[] args) throws Throwable {
      for (var method : Class.forName(args[0]).getDeclaredMethods()) {
        if (method.getName().equals(args[1])) {
          method.setAccessible(true);
          var constructor = Class.forName(args[0]).getDeclaredConstructor();
          constructor.setAccessible(true);
          try {
            if (method.getParameterCount() == 0) {
              method.invoke(constructor.newInstance());
            } else {
              method.invoke(constructor.newInstance(), LinuxKernel.open());
            }
          } catch (InvocationTargetException e) {
            e.getCause().printStackTrace();
            Runtime.getRuntime().halt(1);
          }
          System.out.flush();
          Runtime.getRuntime().halt(0);
        }
      }
      throw new IllegalArgumentException(args[1]);
    }
  }

  final class Extension
      implements InvocationInterceptor, org.junit.jupiter.api.extension.ParameterResolver {
    private static final long TIMEOUT_SECONDS = 60;

    @Override
    public void interceptTestMethod(
        Invocation<Void> invocation,
        ReflectiveInvocationContext<Method> context,
        ExtensionContext extension)
        throws Throwable {
      invocation.skip();
      var method = context.getExecutable();
      var annotation = method.getAnnotation(InOwnJvm.class);
      var output = Files.createTempFile("refork-own-jvm", ".log");
      var command = new ArrayList<String>();
      if (annotation.blocked()) {
        command.add("env");
        command.add("--block-signal=HUP,INT,QUIT,TERM,USR1,USR2,CHLD,TTIN,TTOU,WINCH");
        command.add("--ignore-signal=URG");
        command.add("_JAVA_SR_SIGNUM=50");
        command.add(java());
        command.addAll(List.of("-Xrs", "-XX:-MaxFDLimit"));
      } else {
        command.add(java());
      }
      command.addAll(List.of("-Xint", "-XX:+UseSerialGC", "-Xmx64m", "-XX:-UsePerfData"));
      command.addAll(List.of("-Djnr.ffi.asm.enabled=false", "--enable-native-access=ALL-UNNAMED"));
      command.addAll(List.of(annotation.options()));
      command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
      command.addAll(List.of(method.getDeclaringClass().getName(), method.getName()));
      var process = start(command, output);
      try {
        assertThat(process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS))
            .as(() -> "ends within " + TIMEOUT_SECONDS + " s; so far:\n" + read(output))
            .isTrue();
        assertThat(process.exitValue()).as(() -> read(output)).isZero();
      } finally {
        process.destroyForcibly();
        Files.delete(output);
      }
    }

    private static String java() {
      return System.getProperty("java.home") + "/bin/java";
    }

    private static Process start(List<String> command, Path output) throws IOException {
      return new ProcessBuilder(command)
          .redirectErrorStream(true)
          .redirectOutput(output.toFile())
          .redirectInput(new File("/dev/null"))
          .start();
    }

    private static String read(Path output) {
      try {
        return Files.readString(output);
      } catch (IOException e) {
        return e.toString();
      }
    }

    @Override
    public boolean supportsParameter(
        org.junit.jupiter.api.extension.ParameterContext parameter, ExtensionContext extension) {
      return parameter.getParameter().getType() == LinuxKernel.class;
    }

    /** The real one is made in the other JVM. */
    @Override
    @SuppressWarnings("NullAway")
    public Object resolveParameter(
        org.junit.jupiter.api.extension.ParameterContext parameter, ExtensionContext extension) {
      return null;
    }
  }
}
