package orderly

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// requirementIDs are those that docs/requirements.md must have a row for.
const requirementIDs = `
launch_support process_launch_args parallel_launch_support launch_parallel process_ordering dep_based_startup_order
dependency_check check_dependency_exec define_swc_dependencies consistent_dependencies process_input_output std_handle_redir
terminal_support cwd_support uid_gid_support supplementary_groups launch_priority_support scheduling_policy runmask_support
process_rlimit_support capability_support support_secpol_type secpol_non_root aslr_support fd_inheritance detach_parent_process
drop_supervsion debug_support support_held_state multi_start_support running_processes process_ownership monitoring_processes
oci_compliant runtime_config_compat builtin_command_support lazy_check
conditional_startup cond_process_start env_variable_cond_check path_condition_check validate_conditions conf_of_comp_ready_cond
condition_check_method validation_conditions rc_os_state process_state_comm rc_file_state custom_cond_support
total_wait_time_support polling_interval conf_comp_active_tout config_actions_cond launcher_status_storage
run_target_support rt_comp_dep rt_rt_dep start_named_run_target switch_run_targets request_run_target_start control_commands
conf_rt_active_tout stop_process_dependents terminationn_dependency stop_order_spec essential_processes multi_instance_support
session_extension config_file_support modular_config_support component_group_config central_default_defines
process_termination shutdown_signal configurable_timeout time_to_wait_config launch_manager_shutdown launcher_exit_shutdown
slow_shutdown_support fast_shutdown_support
monitor_abnormal_term failure_detect recovery_action_support retries_configurable configurable_wait_time ra_comp_reactivate
process_failure_react ra_comp_stop ra_comp_replace recov_run_target_switch ra_comp_switch_rt ra_rt_switch_rt ra_comp_failed_esc
ra_rt_failed_esc ra_fallback_failed_watchdog lm_self_health_check lm_ext_watchdog_notify lm_ext_wdg_failed_test
lm_ext_watchdog_cfg liveliness_detection smart_watchdog_config ext_monitor_notify error_reaction_config
logging_support process_logging_support log_timestamp slog2_logging query_commands controlif_status dag_logging_controlif
dependency_visu deps_visualization offline_config_valid
`

const scripts = "init/testdata/script"

// requirement is one row: its identifiers, what must stand in its tests, and those.
type requirement struct {
	ids         []string
	keys, tests []string
}

// requirementRows reads the tables of the document: rows of four columns, of which the last two are lists of code spans.
func requirementRows(text string) []requirement {
	var rows []requirement
	span := regexp.MustCompile("`([^`]+)`")
	spans := func(cell string) (list []string) {
		for _, m := range span.FindAllStringSubmatch(cell, -1) {
			list = append(list, m[1])
		}
		return list
	}
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 6 || strings.Contains(cells[1], "---") || strings.TrimSpace(cells[1]) == "id" {
			continue
		}
		r := requirement{keys: spans(cells[3]), tests: spans(cells[4])}
		for id := range strings.SplitSeq(cells[1], ",") {
			r.ids = append(r.ids, strings.TrimSpace(id))
		}
		rows = append(rows, r)
	}
	return rows
}

// TestRequirements holds the document to the tests that it names.
func TestRequirements(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/requirements.md")
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Fields(requirementIDs)
	var seen []string
	for _, r := range requirementRows(string(text)) {
		seen = append(seen, r.ids...)
		if len(r.keys) == 0 || len(r.tests) == 0 {
			t.Errorf("%v: no key, or no test", r.ids)
		}
		shown := ""
		for _, name := range r.tests {
			shown += testText(t, name)
		}
		for _, key := range r.keys {
			if !strings.Contains(shown, key) {
				t.Errorf("%v: %q is in none of %v", r.ids, key, r.tests)
			}
		}
	}
	for _, id := range known {
		if !slices.Contains(seen, id) {
			t.Errorf("%s has no row", id)
		}
	}
	slices.Sort(seen)
	for i, id := range seen {
		if i > 0 && id == seen[i-1] {
			t.Errorf("%s has two rows", id)
		}
		if !slices.Contains(known, id) && !strings.Contains(id, ":") {
			t.Errorf("%s is not known", id)
		}
	}
}

// testText is a script, or the file of a Go test that is there.
func testText(t *testing.T, name string) string {
	t.Helper()
	file, function, isGo := strings.Cut(name, ":")
	if !isGo {
		file = filepath.Join(scripts, name)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if isGo && !strings.Contains(string(b), "\nfunc "+function+"(t *testing.T)") {
		t.Errorf("%s: there is no such test", name)
	}
	return string(b)
}
