/*
 * The chassis of the BMCs that OpenIPMI's ipmi_sim pretends, in its own memory.
 *
 * ipmi_sim alone hands each order and each question to a program, which costs a process every time and stops all BMCs
 * of the simulator meanwhile; and it refuses every NMI. This module answers Get Chassis Status and Chassis Control
 * (IPMI 2.0 sections 28.2 and 28.3) itself, for every BMC of the simulator, each with a power state of its own:
 *
 *   loadlib "/folder/chassis_module" "power=on soft_delay_s=2 on_delay_ms=0 log=/folder/orders"
 *
 *   power         what each chassis is at first: on (if not said) or off
 *   soft_delay_s  how long an operating system takes to obey a soft power off, or never; 0 if not said
 *   on_delay_ms   for how long after a power on the status still says off; 0 if not said
 *   log           a file that gets a line for each order: the IPMB address in hexadecimal and the order, as in `20 on`,
 *                 with a ! behind what was refused; no log if not said
 *
 * As on real hardware, a reset or a power off overtakes a soft power off, and a power on does not. Nothing runs when a
 * delay is over: what the power is then is worked out when it is asked for.
 *
 * gcc -O2 -fPIC -shared, with the headers of libopenipmi-dev; made for OpenIPMI 2.0.33.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <OpenIPMI/ipmi_err.h>
#include <OpenIPMI/ipmi_msgbits.h>
#include <OpenIPMI/mcserv.h>

enum { OFF, ON, CYCLE, RESET, NMI, SOFT_OFF, ORDERS };
static const char *const NAMES[ORDERS] = {"off", "on", "cycle", "reset", "nmi", "soft_off"};

#define NEVER (-1LL)

/* Off or on, and what it becomes when. */
struct chassis {
  int on, becomes;
  long long changes_at_ms;
};

static sys_data_t *simulator;
static struct chassis chassis_of[IPMI_MAX_MCS]; /* by IPMB address */
static long long soft_delay_ms, on_delay_ms;
static FILE *orders_log;

static long long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void becomes_now(struct chassis *chassis, int on) {
  chassis->on = on;
  chassis->changes_at_ms = NEVER;
}

/* Not anew if something is under way: a second press of a button does not make it slower. */
static void becomes_later(struct chassis *chassis, int on, long long delay_ms) {
  if (chassis->changes_at_ms != NEVER || delay_ms == NEVER) return;
  chassis->becomes = on;
  chassis->changes_at_ms = now_ms() + delay_ms;
}

static void settle(struct chassis *chassis) {
  if (chassis->changes_at_ms != NEVER && chassis->changes_at_ms <= now_ms()) becomes_now(chassis, chassis->becomes);
}

static void obey(struct chassis *chassis, int order) {
  if (order == OFF || order == CYCLE) becomes_now(chassis, 0);
  if (order == RESET) becomes_now(chassis, 1);
  if ((order == ON && !chassis->on) || order == CYCLE) becomes_later(chassis, 1, on_delay_ms);
  if (order == SOFT_OFF) becomes_later(chassis, 0, soft_delay_ms);
}

/* What is off has nothing to be reset, cycled, interrupted or asked. */
static int completion_of(const struct chassis *chassis, int order) {
  if (order >= ORDERS) return IPMI_INVALID_DATA_FIELD_CC;
  if (!chassis->on && order != ON && order != OFF) return IPMI_NOT_SUPPORTED_IN_PRESENT_STATE_CC;
  return 0;
}

static void control(lmc_data_t *mc, msg_t *msg, unsigned char *answer, unsigned int *length, void *unused) {
  (void)unused;
  if (check_msg_length(msg, 1, answer, length)) return;
  const int address = simulator->mc_get_ipmb(mc), order = msg->data[0] & 0x0f;
  struct chassis *chassis = &chassis_of[address];
  settle(chassis);
  answer[0] = completion_of(chassis, order);
  *length = 1;
  if (answer[0] == 0) obey(chassis, order);
  if (orders_log != NULL && order < ORDERS)
    fprintf(orders_log, "%02x %s%s\n", address, NAMES[order], answer[0] == 0 ? "" : "!");
}

static void status(lmc_data_t *mc, msg_t *msg, unsigned char *answer, unsigned int *length, void *unused) {
  (void)msg, (void)unused;
  struct chassis *chassis = &chassis_of[simulator->mc_get_ipmb(mc)];
  settle(chassis);
  memset(answer, 0, 4); /* completion code, power, last event, rest: nothing to report but the power */
  answer[1] = chassis->on;
  *length = 4;
}

/* 0 for an option that does not exist, or a log that cannot be written. */
static int take(const char *name, const char *value, int *on) {
  if (strcmp(name, "power") == 0) return *on = strcmp(value, "on") == 0, 1;
  if (strcmp(name, "on_delay_ms") == 0) return on_delay_ms = strtoll(value, NULL, 10), 1;
  if (strcmp(name, "soft_delay_s") == 0)
    return soft_delay_ms = strcmp(value, "never") == 0 ? NEVER : (long long)(strtod(value, NULL) * 1000), 1;
  if (strcmp(name, "log") != 0 || (orders_log = fopen(value, "a")) == NULL) return 0;
  setlinebuf(orders_log);
  return 1;
}

/* Called by ipmi_sim once its configuration is read. It gives up if the answer is not 0. */
int ipmi_sim_module_init(sys_data_t *sys, const char *options) {
  int on = 1;
  char *rest, *words = strdup(options == NULL ? "" : options);
  for (char *word = strtok_r(words, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
    char *value = strchr(word, '=');
    if (value == NULL) return EINVAL;
    *value++ = '\0';
    if (!take(word, value, &on)) return EINVAL;
  }
  free(words);
  simulator = sys;
  for (int address = 0; address < IPMI_MAX_MCS; address++) becomes_now(&chassis_of[address], on);
  const int failed = ipmi_emu_register_cmd_handler(IPMI_CHASSIS_NETFN, IPMI_CHASSIS_CONTROL_CMD, control, NULL);
  return failed ? failed : ipmi_emu_register_cmd_handler(IPMI_CHASSIS_NETFN, IPMI_GET_CHASSIS_STATUS_CMD, status, NULL);
}
