/*
 * bin/refork: starts the agent's JVM, found next to this program, the way PID 1 needs it.
 *
 * Static, so that it runs in an image without a shell and without a C library. It does what cannot be done from inside a JVM:
 *
 * - Signals are blocked before the JVM starts, so none is lost in its first milliseconds; the agent reads them from a signalfd.
 * - The user's settings for JVMs and for malloc are meant for the application. They would change, or even kill, the agent's
 *   JVM. So each variable NAME that is_ours_to_hide() knows is renamed to REFORK_APP_ENV_NAME, and the agent's own are set.
 *
 * The other half of that contract is io.refork.agent.AppEnvironment: before it starts the application it removes every
 * variable that is_ours_to_hide() knows and gives each REFORK_APP_ENV_NAME its name back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

extern char **environ;

static const int SIGNALS[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGUSR1,
                              SIGUSR2, SIGCHLD, SIGTTIN, SIGTTOU, SIGWINCH};

static int starts_with(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

/* Keep in step with AppEnvironment.isHidden. */
static int is_ours_to_hide(const char *entry) {
  return starts_with(entry, "JAVA_TOOL_OPTIONS=") || starts_with(entry, "JDK_JAVA_OPTIONS=") ||
         starts_with(entry, "_JAVA_") || starts_with(entry, "MALLOC_");
}

static void *checked(void *memory) {
  if (memory == NULL) {
    fputs("refork: out of memory before the start; give the container more\n", stderr);
    exit(1);
  }
  return memory;
}

static char *format(const char *pattern, const char *a, const char *b) {
  char *text;
  return checked(asprintf(&text, pattern, a, b) < 0 ? NULL : text);
}

/* On standard error, and in a pod also where the kubelet looks for the reason: so the pool's status can tell it. */
static void say(const char *sentence) {
  fprintf(stderr, "refork: %s\n", sentence);
  FILE *reason = fopen("/dev/termination-log", "r+"); /* never made: outside of a pod there is none */
  if (reason == NULL) return;
  fprintf(reason, "refork: %s\n", sentence);
  fclose(reason);
}

static char **environment(void) {
  size_t count = 0;
  while (environ[count]) count++;
  char **result = checked(calloc(count + 4, sizeof *result)); /* + three of ours and the NULL at the end */
  char **next = result;
  for (char **entry = environ; *entry; entry++)
    *next++ = is_ours_to_hide(*entry) ? format("REFORK_APP_ENV_%s%s", *entry, "") : *entry;
  *next++ = "_JAVA_SR_SIGNUM=50"; /* else HotSpot unblocks USR2 for its own use */
  *next++ = "MALLOC_ARENA_MAX=1"; /* an arena per thread costs megabytes */
  const char *jvm = getenv("REFORK_JVM_OPTIONS"); /* the one that is for the agent's own JVM; wins over lib/jvm.options */
  if (jvm) *next++ = format("_JAVA_OPTIONS=%s%s", jvm, "");
  return result;
}

/* The folder that holds bin/, lib/ and runtime/, wherever it was copied to. */
static char *home(void) {
  static char path[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  for (int up = 0; up < 2 && length > 0; up++) {
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    length = slash ? slash - path : 0;
  }
  if (length < 0) {
    fprintf(stderr, "refork: cannot read /proc/self/exe: %s; mount /proc\n", strerror(errno));
    exit(127);
  }
  path[length] = '\0';
  return path;
}

/* These have no loop that reads signals: they shall end on Ctrl-C as any program does. */
static int is_client(const char *command) {
  return strcmp(command, "status") == 0 || strcmp(command, "refork") == 0 || strcmp(command, "install") == 0 ||
         strcmp(command, "check") == 0;
}

static void block_signals(void) {
  sigset_t blocked;
  sigemptyset(&blocked);
  for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++) {
    sigaddset(&blocked, SIGNALS[i]);
    signal(SIGNALS[i], SIG_DFL); /* an inherited "ignore" for CHLD would take the exit codes of our children */
  }
  sigprocmask(SIG_BLOCK, &blocked, NULL);
}

static void open_standard_streams(void) {
  /* Without these three the JVM's own files would become its stdin, stdout and stderr. */
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0) open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
}

int main(int argc, char **argv) {
  if (argc < 2 || !is_client(argv[1])) block_signals();
  open_standard_streams();
  if (getenv("REFORK_ENDS_WITH_PARENT")) prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0); /* an agent that a check started */
  char *folder = home();
  char *java = format("%s/runtime/bin/%s", folder, "java");
  char **arguments = checked(calloc((size_t)argc + 8, sizeof *arguments));
  char **next = arguments;
  *next++ = "refork";
  *next++ = format("@%s/lib/%s", folder, "jvm.options");
  char *cache = format("%s/lib/%s", folder, "refork.aot");
  if (access(cache, R_OK) == 0) *next++ = format("-XX:AOTCache=%s%s", cache, ""); /* absent while it is being trained */
  *next++ = format("-Djffi.boot.library.path=%s/lib%s", folder, "");
  *next++ = format("-Drefork.home=%s%s", folder, "");
  *next++ = "-jar";
  *next++ = format("%s/lib/%s", folder, "refork.jar");
  for (int i = 1; i < argc; i++) *next++ = argv[i];
  execve(java, arguments, environment());
  int error = errno;
  if (error == ENOENT && access(java, X_OK) == 0) /* it is there: what is missing is the loader that it asks for */
    say("this image has no glibc, which the agent's Java needs; images of musl, such as Alpine, cannot be used: "
        "take one with glibc, such as Debian's");
  else
    say(format("cannot start %s: %s; copy the agent's folder as a whole, bin/refork alone is not enough", java,
               strerror(error)));
  return error == ENOENT ? 127 : 126;
}
