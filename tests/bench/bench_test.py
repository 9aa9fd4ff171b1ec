"""tools/bench: its arithmetic and its tables."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/bench"))

import guard  # noqa: E402
from bench import output, pages, programs, stats, tables  # noqa: E402


class Stats(unittest.TestCase):
    def test_quantiles_are_those_of_numpy(self):
        values = [4, 1, 3, 2]
        self.assertEqual([stats.quantile(values, share) for share in (0, 0.25, 0.5, 0.75, 1)], [1, 1.75, 2.5, 3.25, 4])
        self.assertEqual(stats.quantile([7], 0.9), 7)
        with self.assertRaises(ValueError):
            stats.quantile([], 0.5)

    def test_a_summary_leaves_out_what_is_not_known(self):
        self.assertEqual(stats.summary([3, None, 1]), {"median": 2, "q1": 1.5, "q3": 2.5, "count": 2})
        self.assertIsNone(stats.summary([None]))

    def test_ratios_are_of_pairs_not_of_medians(self):
        # A machine that becomes twice as slow half-way: each pair says 1.1.
        ratios = stats.paired_ratios([10, 20, 20], [11, 22, 22])
        self.assertEqual([round(ratio, 9) for ratio in ratios], [1.1, 1.1, 1.1])
        with self.assertRaises(ValueError):
            stats.paired_ratios([1], [1, 2])

    def test_the_largest_error_is_the_largest_share(self):
        self.assertEqual(stats.largest_error([(90, 100), (1050, 1000), (None, 5)]), {"bytes": -10, "share": -0.1})
        self.assertIsNone(stats.largest_error([(None, 100), (5, None)]))


class Tables(unittest.TestCase):
    def test_columns_line_up(self):
        self.assertEqual(tables.text_table(["a", "b"], [["long", "1"], ["x", "200"]]),
                         "a       b\nlong    1\nx     200\n")

    def test_markdown_escapes_what_would_be_a_column(self):
        self.assertEqual(tables.markdown_table(["a", "b"], [["x|y", "1"]]), "| a | b |\n|---|---:|\n| x\\|y | 1 |\n")

    def test_numbers(self):
        self.assertEqual(tables.number(1234.56, "ns"), "1,234.6 ns")
        self.assertEqual(tables.number(None), "–")
        self.assertEqual(tables.size(1536), "1.5 KiB")
        self.assertEqual(tables.size(-3 << 30), "-3.0 GiB")
        self.assertEqual(tables.ratio({"median": 1.01, "q1": 1.0, "q3": 1.02}), "1.010 (1.000 – 1.020)")

    def test_an_error_says_in_which_direction(self):
        self.assertEqual(tables.error({"bytes": 0, "share": 0.0}), "0")
        self.assertEqual(tables.error({"bytes": -2048, "share": -0.02}), "-2.0 KiB (-2.0 %)")
        self.assertEqual(tables.error({"bytes": 2048, "share": 0.02}), "+2.0 KiB (+2.0 %)")


class Pages(unittest.TestCase):
    def test_the_peak_is_the_largest_running_sum(self):
        lines = ["memspike-worklo kmem:mm_page_alloc: page=0x1 pfn=0x1 order=2 migratetype=0",
                 "memspike-worklo kmem:mm_page_free: page=0x1 pfn=0x1 order=1",
                 "memspike-worklo kmem:mm_page_alloc: order=0",
                 "kswapd0 kmem:mm_page_free: page=0x1 pfn=0x1 order=9"]
        self.assertEqual(pages.peak_pages(lines), 4)

    def test_other_forms_of_the_same(self):
        self.assertEqual(pages.peak_pages(["memspike-worklo-77 [001] 1.5: mm_page_alloc: page=1 order=3"]), 8)
        self.assertEqual(pages.peak_pages(["memspike-worklo mm_page_alloc: order=1"]), 2)


class Programs(unittest.TestCase):
    EMPTY = programs.by_name([{"name": "empty_alloc", "runs": 100, "ns": 6000, "skipped": 0},
                              {"name": "empty_free", "runs": 100, "ns": 4000, "skipped": 0}])

    def test_each_run_costs_what_is_above_an_empty_one(self):
        own = [{"name": "on_page_alloc", "runs": 100, "ns": 7000, "skipped": 0},
               {"name": "on_memcg_event", "runs": 200, "ns": 12000, "skipped": 0}]
        cost = programs.cost(own, self.EMPTY, programs.runs(self.EMPTY))
        self.assertEqual(cost["page_events"], 200)
        self.assertEqual(cost["floor_ns_per_run"], 50)
        self.assertEqual(cost["above_floor_ns_per_event"], (1000 + 2000) / 200)
        self.assertEqual([program["above_floor_ns_per_run"] for program in cost["programs"]], [10, 10])

    def test_the_empty_ones_may_have_run_on_other_events(self):
        own = [{"name": "on_page_alloc", "runs": 50, "ns": 3500, "skipped": 0}]
        cost = programs.cost(own, self.EMPTY, 100)
        self.assertEqual(cost["above_floor_ns_per_event"], 500 / 100)

    def test_without_page_events_there_is_no_cost(self):
        self.assertIsNone(programs.cost([], {}, 0))

    def test_only_what_ran_meanwhile_counts(self):
        before = {1: ("a", 10, 100, 0), 2: ("b", 5, 50, 1)}
        after = {1: ("a", 10, 100, 0), 2: ("b", 7, 90, 2), 3: ("c", 1, 9, 0)}
        self.assertEqual(programs.moved(before, after),
                         [{"id": 2, "name": "b", "runs": 2, "ns": 40, "skipped": 1},
                          {"id": 3, "name": "c", "runs": 1, "ns": 9, "skipped": 0}])


class Output(unittest.TestCase):
    def test_bytes_are_counted_per_million_page_events(self):
        result = {"written_bytes": 3_000_000, "units": 500_000, "page_events_per_unit": 2.0}
        self.assertEqual(output.mb_per_million(result), 3.0)
        self.assertIsNone(output.mb_per_million({**result, "page_events_per_unit": None}))


class Guard(unittest.TestCase):
    def fine(self, counts, expected):
        return [fine for _, fine in guard.verdicts(counts, expected, 0.05)]

    def test_more_than_the_tolerance_fails(self):
        self.assertEqual(self.fine({"a": 104, "b": 106, "c": 50}, {"a": 100, "b": 100, "c": 100}),
                         [True, False, True])

    def test_what_is_not_in_the_baseline_fails(self):
        self.assertEqual(self.fine({"a": 1}, {}), [False])
        self.assertEqual(self.fine({}, {"a": 1}), [False])


if __name__ == "__main__":
    unittest.main()
