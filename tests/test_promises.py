"""What is promised of data, money and safety, and the tests that keep each promise.

Promises 1 to 9 are of data, 10 to 18 of
money, 19 to 26 of safety and 27 of Python. The tests here hold the list to what there is.
"""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
#: A promise, and "file: test test ...", below tests/.
PROMISES: dict[int, tuple[str, tuple[str, ...]]] = {
    1: (
        "a quote that is set aside leaves no valid book; a one-sided quote is data",
        (
            "importers/test_lines.py: test_a_quote_set_aside_takes_the_book_before_it "
            "test_a_one_sided_quote_is_data",
            "importers/test_delimited_naive.py: test_a_quote_set_aside_takes_the_book_before_it "
            "test_a_one_sided_quote_is_data test_a_book_set_aside_takes_the_one_before_it",
        ),
    ),
    2: (
        "no settlement vanishes",
        (
            "importers/test_bars_files.py: test_settlements_beside_the_schedule_end_the_import "
            "test_a_settlement_that_is_set_aside_is_not_forgiven",
            "importers/test_announced_settlements.py: "
            "test_only_a_settlement_without_a_good_announcement_is_a_gap "
            "test_marks_of_a_capture_in_the_twin_s_words",
            "importers/test_delimited_naive.py: "
            "test_a_settlement_set_aside_is_a_gap_and_not_forgiven",
        ),
    ),
    3: (
        "lines of one receive time are one message; a snapshot may have several",
        (
            "importers/test_delimited_naive.py: test_lines_of_one_receive_time_are_one_message "
            "test_a_snapshot_that_goes_on_after_a_faulty_part_leaves_no_book",
        ),
    ),
    4: (
        "contract sizes are exact decimals, and asked for where contracts are counted",
        (
            "importers/test_traded_pair.py: test_a_venue_of_contracts_asks_for_their_size "
            "test_a_hundred_contracts_of_a_hundredth_are_one_coin "
            "test_a_thousand_coins_are_hedged_by_a_thousand_coins",
            "execution/test_ledger.py: test_contract_size_is_an_exact_decimal",
        ),
    ),
    5: (
        "currencies are derived; amounts of two are never added",
        (
            "importers/test_traded_pair.py: test_what_a_symbol_and_a_mapping_say "
            "test_bars_without_a_currency_are_in_that_of_their_symbol",
            "run/test_currencies.py: test_money_of_two_currencies_is_never_added "
            "test_every_gate_judges_converted_money_as_that_of_one_currency",
            "execution/test_conversion.py: test_the_last_rate_at_or_before_a_time",
        ),
    ),
    6: (
        "gaps, held gaps, price steps and runs that cannot trade are said",
        (
            "importers/test_missing_days.py: test_a_day_without_a_file_is_a_gap",
            "importers/test_delimited_naive.py: test_a_long_silence_is_a_gap",
            "segment/test_books.py: test_what_cannot_be_traded_is_a_sentence "
            "test_depth_without_a_snapshot_gives_no_book",
            "importers/test_delimited_files.py: test_a_day_of_a_header_alone_is_an_empty_day",
            "run/test_summary.py: test_a_gap_is_held_over_where_the_position_was_not_flat "
            "test_a_price_step_is_told_where_it_was_held test_a_run_that_cannot_trade_says_so",
        ),
    ),
    7: (
        "numbers of any form are read exactly or by a stated rounding",
        (
            "importers/test_number_texts.py: test_a_volume_beyond_the_exponent_costs_no_bar "
            "test_prices_are_rounded_only_where_the_mapping_asks test_overflow_names_the_remedy "
            "test_the_note_tells_the_largest_half_spread test_decimal_commas "
            "test_descending_files_are_read_from_their_end test_files_without_header "
            "test_scales_are_exact_powers_of_ten",
        ),
    ),
    8: (
        "formats of ccxt, freqtrade, Bybit, OKX, Kraken and Lean are read",
        (
            "importers/test_vendor_bars.py: test_json_and_feather_of_one_series_are_one_segment "
            "test_freqtrade_futures_with_funding test_kraken_files_follow_each_other "
            "test_lean_equities_are_scaled_and_in_the_exchange_s_zone "
            "test_the_last_candle_of_okx_is_left_out_where_it_has_not_ended",
            "importers/test_vendor_trades.py: test_okx_spot "
            "test_bybit_contracts_have_seconds_and_spot_milliseconds",
            "importers/test_bybit_book.py: test_a_clean_file",
        ),
    ),
    9: (
        "an order before a weekend or holiday meets the next bar",
        (
            "importers/test_sessions.py: test_next_bar test_hours_of_sessions "
            "test_a_calendar_tells_holidays_from_missing_bars",
        ),
    ),
    10: (
        "a settlement is paid on what was held at its time",
        (
            "run/test_venue_clock.py: "
            "test_a_settlement_of_a_past_time_pays_nothing_on_a_position_opened_after_it "
            "test_a_late_announcement_pays_on_what_was_held_at_its_time",
        ),
    ),
    11: ("fills are whole lots", ("run/test_orders.py: test_pro_rata_fills_whole_lots",)),
    12: (
        "bundles end matched or say so",
        (
            "run/test_engine_properties.py: test_bundles_end_matched_or_say_so",
            "execution/test_risk.py: test_a_trim_keeps_whole_lots_and_says_what_stays",
        ),
    ),
    13: (
        "a trade acts only on orders that were there before it",
        (
            "run/test_venue_clock.py: "
            "test_a_trade_that_was_over_when_the_order_arrived_does_nothing "
            "test_the_largest_stamp_of_two_hours_counts",
        ),
    ),
    14: (
        "no more is ahead than is displayed; a trade-through fills the order",
        (
            "run/test_orders.py: test_no_more_is_ahead_than_is_displayed "
            "test_a_trade_beyond_the_price_fills_the_whole_order "
            "test_depth_beyond_the_snapshot_is_unknown_but_for_what_changed",
        ),
    ),
    15: (
        "spot that is sold short is borrowed; buys pay in base where the venue does",
        (
            "run/test_borrow.py: test_interest_is_paid_at_every_change_and_at_the_end "
            "test_accrued_interest_is_that_of_the_formula test_short_spot_is_refused_where_asked",
            "run/test_base_fees.py: test_the_engine_is_its_twin "
            "test_a_net_order_changes_the_position_by_what_it_asks_for",
            "strategies/test_bar_base_fees.py: "
            "test_a_bracket_of_a_short_position_buys_its_fee_as_well "
            "test_a_stop_sells_what_its_own_order_left_beside_others "
            "test_each_of_two_stops_covers_its_own_in_one_bar",
        ),
    ),
    16: (
        "equity below margin used is a margin call",
        (
            "run/test_capital.py: test_equity_below_margin_used_is_called_and_closed "
            "test_without_capital_the_summary_says_so test_return_is_of_stated_capital",
        ),
    ),
    17: (
        "money of cheap coins is exact; exponents follow tick and lot where they are known",
        (
            "run/test_wide_money.py: test_partial_closes_of_a_cheap_coin "
            "test_kernel_accounts_split_what_128_bits_cannot_hold",
            "importers/test_exponents.py: test_exponents_are_those_of_tick_and_lot "
            "test_prices_of_a_derivative_follow_its_tick_where_its_marks_fit "
            "test_values_are_those_that_were_read",
        ),
    ),
    18: (
        "funding times go by the venue's clock, and the summary says by how much",
        (
            "run/test_venue_clock.py: test_a_settlement_is_due_by_the_venues_clock "
            "test_records_keep_clocks_and_the_summary_tells_them",
        ),
    ),
    19: (
        "no output is an input",
        (
            "test_outputs.py: test_an_output_that_is_an_input_is_refused_before_work "
            "test_outputs_are_refused_from_python_too "
            "test_only_a_file_of_the_same_kind_is_replaced "
            "test_a_binding_is_made_where_it_is_asked_for",
        ),
    ),
    20: (
        "a policy with fewer gates never passes, and its differences are named",
        (
            "report/test_gutted_policy.py: test_a_suite_that_lacks_a_test_never_passes "
            "test_every_difference_is_named test_verify_report_demands_a_policy",
            "report/test_binding.py: test_a_binding_has_the_hashes_of_policy_and_manifest "
            "test_the_command_lists_and_verifies",
        ),
    ),
    21: (
        "sentinels are no data, loops hear interrupts, instruments are checked",
        (
            "segment/test_tamper.py: test_the_number_that_ends_the_engines_merge_is_no_message "
            "test_instruments_are_checked_on_opening",
            "test_interrupts.py: test_every_stage_hears_an_interrupt",
            "ext/test_loops_hear.py: test_a_long_loop_listens "
            "test_a_signal_ends_a_loop_from_inside test_every_loop_listens_or_says_why_not",
            "parallel/test_divided.py: test_calls_are_as_long_as_an_interrupt_may_wait",
        ),
    ),
    22: (
        "errors, runs and reports travel between processes",
        (
            "test_errors.py: test_errors_pickle",
            "run/test_pickle.py: test_a_run_travels_to_a_spawned_process_and_back "
            "test_a_child_forked_after_a_sweep_sweeps_too test_reports_and_their_results_pickle",
        ),
    ),
    23: (
        "leftovers of killed runs are told and removed; verdicts are said before writing",
        (
            "test_outputs.py: test_what_killed_runs_left_is_told_and_removed "
            "test_threads_that_save_one_path_all_succeed "
            "test_a_verdict_is_said_before_it_is_written",
        ),
    ),
    24: (
        "columns that change during a run give no result",
        (
            "segment/test_unchanged.py: test_a_run_over_changed_columns_gives_no_result "
            "test_gates_over_changed_columns_give_no_report",
        ),
    ),
    25: (
        "a damaged kernel cache is compiled anew",
        (
            "jit/test_jit_cache.py: test_a_flipped_bit_is_compiled_anew "
            "test_a_cut_cache_is_compiled_anew",
        ),
    ),
    26: (
        "numbers are bounded, streams may be closed, commands that are named exist",
        (
            "cli/test_edges.py: test_numbers_are_bounded_and_ascii_and_quotes_end "
            "test_a_standard_output_that_takes_nothing_is_one_line "
            "test_an_interrupt_while_modules_load_is_one_line "
            "test_every_command_that_a_message_names_exists",
        ),
    ),
    27: (
        "Python takes what the command line takes",
        (
            "strategies/test_from_python.py: test_a_class_and_a_path_are_a_run "
            "test_an_init_without_super_has_its_settings test_numpy_integers_are_integers "
            "test_the_type_of_a_decision",
            "report/test_suites_asked_for.py: test_suites_are_named_in_either_case",
            "strategies/test_user_files.py: test_verify_report_reads_the_settings_of_a_file "
            "test_what_a_neighbour_lacks_is_told_by_its_own_name",
            "run/test_summary.py: test_orders_refused_are_told_with_their_share_and_cause",
            "strategies/test_contract.py: test_the_suite_runs_from_python",
        ),
    ),
}


@functools.cache
def names_in(file: str) -> set[str]:
    tree = ast.parse((TESTS / file).read_text())
    return {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}


def test_every_promise_is_listed() -> None:
    assert list(PROMISES) == list(range(1, 28))


@pytest.mark.parametrize("number", PROMISES)
def test_the_tests_of_a_promise_are_there(number: int) -> None:
    _, tests = PROMISES[number]
    for one in tests:
        file, _, names = one.partition(": ")
        assert set(names.split()) - names_in(file) == set(), file
        assert names
