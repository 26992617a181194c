import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Makes the agent's jars fit for the AOT cache: {@code java AgentJars.java MAIN_JAR DEPENDENCIES_DIR LIB_DIR}.
 *
 * <p>The cache takes no class older than version 50 (picocli, jnr-x86asm), so those are lifted to 52. jffi would unpack its
 * native library into /tmp, which a read-only root refuses: it is taken out of its jar here. What the agent never loads stays
 * behind.
 */
final class AgentJars {
  private static final String NATIVE = "jni/x86_64-Linux/libjffi-1.2.so";
  private static final LocalDateTime WHEN = LocalDateTime.of(2026, 1, 1, 0, 0);

  private final ClassFile classes;

  private AgentJars(List<Path> jars) throws IOException {
    var urls = new ArrayList<URL>();
    for (var jar : jars) {
      urls.add(jar.toUri().toURL());
    }
    var hierarchy = ClassHierarchyResolver.ofResourceParsing(new URLClassLoader(urls.toArray(URL[]::new)));
    classes =
        ClassFile.of(
            ClassFile.ClassHierarchyResolverOption.of(hierarchy.orElse(ClassHierarchyResolver.defaultResolver())),
            ClassFile.StackMapsOption.GENERATE_STACK_MAPS);
  }

  public static void main(String[] args) throws IOException {
    var main = Path.of(args[0]);
    var lib = Files.createDirectories(Path.of(args[2]));
    List<Path> dependencies;
    try (var files = Files.list(Path.of(args[1]))) {
      dependencies = files.filter(jar -> jar.toString().endsWith(".jar")).sorted().toList();
    }
    var tool = new AgentJars(dependencies);
    var names = new ArrayList<String>();
    for (var jar : dependencies) {
      if (jar.getFileName().toString().endsWith("-native.jar")) {
        extractNative(jar, lib);
      } else {
        tool.copy(jar, lib.resolve(jar.getFileName()), null);
        names.add(jar.getFileName().toString());
      }
    }
    tool.copy(main, lib.resolve("refork.jar"), String.join(" ", names));
  }

  private static void extractNative(Path jar, Path lib) throws IOException {
    try (var in = URI.create("jar:" + jar.toUri() + "!/" + NATIVE).toURL().openStream()) {
      Files.write(lib.resolve("libjffi-1.2.so"), in.readAllBytes());
    }
  }

  private void copy(Path from, Path to, String classPath) throws IOException {
    try (var jar = new JarFile(from.toFile());
        var out = new ZipOutputStream(Files.newOutputStream(to))) {
      if (classPath != null) {
        var manifest = jar.getManifest();
        manifest.getMainAttributes().put(Attributes.Name.CLASS_PATH, classPath);
        put(out, JarFile.MANIFEST_NAME, bytes(manifest));
      }
      for (var entry : jar.stream().toList()) {
        if (entry.isDirectory() || entry.getName().startsWith("META-INF/") && !isWanted(entry.getName())) {
          continue;
        }
        try (var in = jar.getInputStream(entry)) {
          var content = in.readAllBytes();
          put(out, entry.getName(), entry.getName().endsWith(".class") ? lift(content) : content);
        }
      }
    }
  }

  /** Services are looked up there and licenses must travel; the rest (Maven's, signatures, modules) is never read. */
  private static boolean isWanted(String name) {
    return name.startsWith("META-INF/services/") || name.contains("LICENSE") || name.contains("NOTICE");
  }

  private byte[] lift(byte[] bytes) {
    var model = classes.parse(bytes);
    if (model.majorVersion() >= ClassFile.JAVA_6_VERSION) {
      return bytes;
    }
    ClassTransform version =
        (builder, element) ->
            builder.with(
                element instanceof ClassFileVersion ? ClassFileVersion.of(ClassFile.JAVA_8_VERSION, 0) : element);
    return classes.transformClass(
        model, version.andThen(ClassTransform.transformingMethodBodies(CodeTransform.ACCEPT_ALL)));
  }

  private static byte[] bytes(Manifest manifest) throws IOException {
    var out = new ByteArrayOutputStream();
    manifest.write(out);
    return out.toByteArray();
  }

  private static void put(ZipOutputStream out, String name, byte[] content) throws IOException {
    var entry = new ZipEntry(name);
    entry.setTimeLocal(WHEN);
    out.putNextEntry(entry);
    out.write(content);
    out.closeEntry();
  }
}
