"""Every sentence that a text report may say of a container or another cgroup, from the JSON."""
import collections

from spoken import (ANY, MIB, clock, counted, grouped, killed, no_level, of_limit, of_ppm, quantity,
                    share, size, span, three, times, told_rank)


def headlines(subject):
    burst = subject.telling(killed, no_level, told_rank)
    peak = burst["top_bytes"] if burst else subject.peak["peak_bytes"]
    of = " (no limit of its own)"
    if subject.limit is not None:
        of = f" = {of_limit(peak, subject.limit)} of its {size(subject.limit)} limit"
    rise = ""
    if burst and burst["rise_ns"] > 0:
        rise = f", {'' if burst['is_level'] else 'reached '}in {span(burst['rise_ns'])}"
    lives_at = f"lives at {size(subject.level)}, " if subject.level is not None else ""
    numbers = f"{lives_at}{'peaked' if subject.bursts_total <= 1 else 'peaks'} at {size(peak)}{of}{rise}"
    count = len(subject.kills)
    if count:
        victims = sum(max(1, len(kill["victims"])) for kill, _ in subject.kills)
        unseen = max(0, (subject.kernel_kills or 0) - victims)
        unseen = 0 if subject.is_above else unseen  # the kernel's count has those of the children in it
        yield f"✖ {ANY} was OOM-killed {times(count + unseen)}{ANY}: {numbers}"
        if count == 1:
            yield f"✖ {ANY} lost {ANY} (pid {subject.kills[0][0]['pid']}) to the OOM killer{ANY}: {numbers}"
    elif subject.kernel_kills:
        count = times(subject.kernel_kills)
        yield f"✖ {ANY} was OOM-killed {count} by the kernel's count, unseen here: {numbers}"
    else:
        room = burst["headroom_bytes"] if burst else None
        of = "being killed" if burst and burst["headroom_to"] == "max" else ANY
        end = "" if room is None else f", {size(room)} short of {of}"
        said = f"spiked {times(subject.bursts_total)}" if subject.bursts_total else "grew"
        yield f"{ANY} {ANY} {said}: {numbers}{end}"
        yield f"{ANY} {ANY} grew to {size(peak)}{of}{rise}{end}"


def chance(ppm, at_most):
    if ppm > 0:
        return of_ppm(ppm)
    if at_most == 0:
        return "none"
    return f"at most {of_ppm(at_most)}" if at_most <= 20_000 else "hardly any"


def blind_spot(subject):
    blind = subject.json["blind_spot"]
    if blind is None:
        return
    shows = "kubectl top" if blind["shows"] == "working_set" else "Usage as scraped"
    for scraper in blind["scrapers"]:
        seconds = f"{scraper['period_ns'] // 10**9} s"
        sees = chance(scraper["sees_peak_ppm"], scraper["sees_peak_at_most_ppm"])
        looks = of_ppm(scraper["looks_ppm"])
        half, most = (size(scraper[key]) if scraper[key] is not None else "–"
                      for key in ("shown_p50_bytes", "shown_p95_bytes"))
        yield f"{seconds} {half} {most} {sees} {looks}"
        phrase = {"none": "had no chance to see it", "hardly any": "had hardly any chance to see it"}.get(
            sees, f"had a chance of {sees} to see it")
        if scraper["sees_peak_at_least_ppm"] == 1_000_000:
            phrase = "would have seen it"
        look = "" if scraper["looks_ppm"] == 1_000_000 else f", and one of {looks} to look at all"
        shown = "" if scraper["shown_p50_bytes"] is None else f"{shows}: {half}. "
        yield f"{shown}Kernel: {size(subject.peak['peak_bytes'])}. A {seconds} scraper {phrase}{look}."


def usage(subject):
    peak = subject.peak
    text = f"lives at {size(subject.level)} · " if subject.level is not None else ""
    text += f"peak {size(peak['peak_bytes'])} at {ANY}"
    if not subject.last["gone"]:
        first, last = subject.lives[0]["usage"]["first_bytes"], subject.last["usage"]["last_bytes"]
        least = min(life["usage"]["min_bytes"] for life in subject.lives)
        for name, value in (("first", first), ("min", least)):
            if value >= peak["peak_bytes"] // 100 and value > 0:
                text += f" · {name} {size(value)}"
        text += f" · last {size(last)}"
    yield f"usage {text}"
    if subject.limit:
        yield f"limit {size(subject.limit)} · the peak is {of_limit(peak['peak_bytes'], subject.limit)} of it"
    for life in subject.lives:
        if life["inherited"]:
            yield f"left {size(life['inherited']['shmem_bytes'])} of tmpfs or shared memory were charged{ANY}"
            yield f"left {size(life['inherited']['shmem_bytes'])} of tmpfs or shared memory, left behind{ANY}"
    pairs = [(life["usage"]["peak_bytes"], life["kernel_peak_bytes"]) for life in subject.lives
             if life["kernel_peak_bytes"] is not None]
    for ours, theirs in pairs:
        if ours < theirs:
            yield f"kernel {ANY} says {size(theirs)}, {size(theirs - ours)} more than recorded: {ANY}"
        elif ours > theirs:
            yield f"kernel {ANY} says {size(theirs)}, {size(ours - theirs)} less than recorded: {ANY}"
        elif all(a == b for a, b in pairs):
            each = f", in each of its {len(pairs)} lives" if len(pairs) > 1 else ""
            yield f"kernel {ANY} says {size(max(b for _, b in pairs))}: equal to the byte{each}"
    if len(subject.lives) > 1:
        yield f"the last of {len(subject.lives)} cgroups: the container was restarted"


def kills(subject):
    count = len(subject.kills)
    yield f"{counted(count, 'OOM kill')}"
    yield f"{counted(count, 'OOM kill')} the last five"
    yield f"the last second before the {'last ' if count > 1 else ''}kill, of {ANY}"
    if count > 20:
        yield f"… {grouped(count - 20)} earlier, and then"
    for kill, path in subject.kills:
        when = clock(kill["time_utc"])
        limit = "–" if kill["limit_bytes"] is None else size(kill["limit_bytes"])
        last = kill["last_second"]
        slope, to_limit, rise = "–", "–", "–"
        if last and last["slope_bytes_per_second"] is not None:
            slope = mib_per_second(last["slope_bytes_per_second"])
        if last and last["baseline_to_limit_ns"] is not None:
            to_limit = span(last["baseline_to_limit_ns"])
        if last and last["baseline_ns"] is not None:
            risen_bytes = last["crest_bytes"] - last["baseline_bytes"]
            rise = f"+{size(risen_bytes)} in {span(last['crest_ns'] - last['baseline_ns'])}"
        of_kill = " ".join(size(kill[key]) for key in ("anon_rss_bytes", "file_rss_bytes"))
        usage_of = size(kill["usage_bytes"]) if kill["usage_bytes"] is not None else "–"
        yield (f"{when} {kill['pid']} {ANY} {usage_of} {limit} {slope} {to_limit} {of_kill} "
               f"{size(kill['shmem_rss_bytes'])} {kill['oom_score_adj']}")
        yield f"{when} {ANY} ({kill['pid']}) {ANY} {rise} {ANY}"
        yield f"{when}: {ANY}"  # the verdict
        yield f"{when}: {counted(len(kill['victims']), 'process', 'processes')} killed together{ANY}"
        for level in kill["chain"]:
            room = "–" if level["limit_bytes"] is None else size(level["headroom_bytes"])
            of = "–" if level["limit_bytes"] is None else size(level["limit_bytes"])
            yield f"{ANY} {size(level['usage_bytes'])} {of} {room}"
            yield f"{ANY} {size(level['usage_bytes'])} {of} {room} the limit that was hit"
        for who in [kill["trigger"]] + kill["victims"] if kill["trigger"] else kill["victims"]:
            yield f"asked {ANY} (pid {who['pid']}): {ANY}"
            yield f"died {ANY} (pid {who['pid']}){ANY}"
        if last:
            yield from last_second(last, kill)
    shown = subject.kills[-20:]
    for same in alike([kill for kill, _ in shown], "cause", "limit_cgroup", "limit_source"):
        yield f"{counted(same, 'kill')} {ANY}by {ANY} ({ANY})"
        yield f"{counted(same, 'kill')} {ANY}because {ANY} ({ANY})"
    outside = [kill for kill, path in subject.kills if kill["limit_cgroup"] != path]
    for same in alike(outside, "cause", "limit_cgroup"):
        yield f"{counted(same, 'kill')} {ANY}: {ANY}"
    if subject.kernel_kills is not None:
        victims = sum(max(1, len(kill["victims"])) for kill, _ in subject.kills)
        yield f"the kernel counted {counted(subject.kernel_kills, 'OOM kill')} here, not {victims}"


def alike(kills_, *keys):
    """How many there are of each kind."""
    return collections.Counter(tuple(kill[key] for key in keys) for kill in kills_).values()


def mib_per_second(slope):
    mib = slope / MIB
    return three(mib) if mib < 99.95 else grouped(int(mib + 0.5))


def last_second(last, kill):
    if last["baseline_ns"] is None:
        return
    to = size(last["crest_bytes"])
    if last["baseline_to_limit_ns"] is not None:
        to = f"the limit of {size(last['limit_bytes'])}"
    rise_us = (last["crest_ns"] - last["baseline_ns"]) / 1000
    text = f"from {size(last['baseline_bytes'])} to {to} "
    if last["slope_bytes_per_second"] is not None:
        text += f"in {grouped(int(rise_us + 0.5))} µs: {mib_per_second(last['slope_bytes_per_second'])} MiB/s"
    else:
        text += "from one look at the counter to the next"
    if kill["time_ns"] > last["crest_ns"]:
        text += f"; the kill came {span(kill['time_ns'] - last['crest_ns'])} later"
    yield text


def basis_of(advice):
    at_least = advice["limits"][0]["at_least"]
    reason = {"spikes": "the highest rise", "extrapolated": "where their slope leads",
              "held": "the most it held"}.get(advice["basis"], ANY)
    if advice["basis"] == "spikes" and at_least:
        reason = "where rises were cut off"
        if advice["held_down"] == advice["cut_off"]:
            reason = "where memory.high held it down"
    if advice["basis"] in ("spikes", "extrapolated", "held", "told"):
        return f"{size(advice['basis_bytes'])}, {reason}, and {advice['margin_percent']} %"
    is_level = advice["basis"] in ("level", "pod")
    return f"{ANY}{size(advice['basis_bytes'])}" if is_level else f"as it is: {ANY}"


def bound(limit):
    return ("at least " if limit["at_least"] else "") + quantity(limit["limit_bytes"])


def holds(advice, limit_bytes):
    points, before = [], None
    for point in advice["curve"]:
        now = point["limit_bytes"] == limit_bytes
        same = before is not None and (point["held"], point["unknown"]) == before
        before = (point["held"], point["unknown"])
        if same and not now and point["limit_bytes"] != advice["limits"][0]["limit_bytes"]:
            continue
        to = f" to {grouped(point['held'] + point['unknown'])}" if point["unknown"] else ""
        name = f"{size(point['limit_bytes'])} (now)" if now else quantity(point["limit_bytes"])
        points.append(f"{name}: {grouped(point['held'])}{to}")
    return f"holds {' · '.join(points)} of the {counted(advice['spikes'], 'rise')}"


def advised(subject):
    advice = subject.json["advice"]
    if advice is None:
        return
    first, *others = advice["limits"]
    request = advice["request_bytes"]
    pod = advice["pod_limit_bytes"]
    text = f"advice limits.memory: {bound(first)} ({basis_of(advice)})"
    if subject.role == "container":
        none = " · no level to live at to request"
        text += none if request is None else f" · requests.memory: {quantity(request)}"
    yield text + (f" · the pod's limit becomes {quantity(pod)}" if pod is not None else "")
    if request is not None:
        yield f"memory: {quantity(request)} # it lives at {size(subject.level)}"
    least = "at least: " if first["at_least"] else ""
    yield f"memory: {quantity(first['limit_bytes'])} # {least}{basis_of(advice)}"
    yield f"limit {bound(first)}: {basis_of(advice)}"
    if pod is not None:
        yield f"pod {quantity(pod)} with what is advised for its containers: {ANY}"
    ns = subject.report["session"]["duration_ns"]
    text = f"from {counted(advice['spikes'], 'rise')} in {span(ns)}"
    if advice["cut_off"] > advice["held_down"]:
        text += f", {grouped(advice['cut_off'] - advice['held_down'])} cut off by an OOM kill"
    if advice["held_down"]:
        text += f", {grouped(advice['held_down'])} held down by memory.high"
    yield text + (": a longer recording may hold higher ones" if ns < 600 * 10**9 else "")
    if all(bound(limit) == bound(first) for limit in others):
        yield f"to hold all rises, 99 % or 95 % of them: {bound(first)}"
    else:
        parts = [f"all rises: {bound(first)}"] + [f"{limit['percent']} %: {bound(limit)}" for limit in others]
        yield f"to hold {' · '.join(parts)}"
    yield holds(advice, subject.limit)
    if advice["cut_off"] == 1:
        yield "how high the one that was cut off would have gone is not known"
    yield f"how high the {grouped(advice['cut_off'])} that were cut off would have gone is not known"
    above = subject.json["above_limit"]
    limited = subject.json["limited_ns"]
    if limited:
        parts = []
        for i, each in enumerate(above):
            ppm = each["ns"] / limited * 1e6
            whole = 1 if 0 < each["ns"] and int(ppm) == 0 else int(ppm)
            parts.append(f"{each['percent']} %{' of the limit' if i == 0 else ''} for {of_ppm(whole)}"
                         f"{' of the time' if i == 0 else ''}")
        yield f"above {' · '.join(parts)}"
    yield (f"this counts page cache that can be reclaimed: the working set peaked at {ANY}")


def risen(burst):
    return sum(c["pages"] for c in burst["culprits"]) + burst["other_pages"] + burst["unattributed_pages"]


def bursts(subject):
    levels = sum(1 for burst in subject.bursts if burst["is_level"])
    title = counted(subject.bursts_total, "burst")
    if levels:
        title = f"{title}, {counted(levels, 'level')}" if subject.bursts_total else counted(levels, "level")
    for threshold in {life["burst_threshold_bytes"] for life in subject.lives}:
        yield f"{title} at least {size(threshold)} high"
        yield f"{title} at least {size(threshold)} high; the {min(4, len(subject.bursts))} that tell most"
    told = min(20, len(subject.bursts))
    yield f"… and {grouped(subject.bursts_total - told)} more: shown are the {told} that tell most, {ANY}"
    for burst in subject.bursts:
        yield from one_burst(burst)
    if any(burst["prominence_bytes"] for burst in subject.bursts):
        most = max(b["prominence_bytes"] or 0 for b in subject.bursts)
        yield f"prominence, as find_peaks measures it from the lowest level on both sides: up to {size(most)}"


def one_burst(burst):
    when = clock(burst["top_utc"])
    star = "*" if burst["is_level"] else ""
    room = "–" if burst["headroom_bytes"] is None else size(burst["headroom_bytes"])
    sees = of_ppm(min(1_000_000, int(burst["crest_ns"] * 1_000_000 / 30e9 + 0.5)))
    for prominence in ("", f"{size(burst['prominence_bytes'] or 0)} "):
        yield (f"{when} {size(burst['top_bytes'])} {size(burst['height_bytes'])}{star} {prominence}"
               f"{span(burst['rise_ns'])}{star} {span(burst['duration_ns'])}{star} {room} {sees} {ANY}")
    end = burst["end_ns"] if killed(burst) else burst["high_begin_ns"] + burst["crest_ns"]
    composition, shift, allocated = burst["composition"], burst["composition_shift"], burst["allocated"]
    if composition:
        read = (f"(memory.stat, read {before(composition['from_ns'], burst['rise_begin_ns'], 'rise')} and "
                f"{before(composition['to_ns'], end, 'kill' if killed(burst) else 'end of the crest')})")
        text = f"{parts(composition, burst['height_bytes'])} {read}"
        yield f"grew by {when}: {text}"
        yield f"what {text}"
    if shift:
        text = f"{parts(shift, burst['height_bytes'])} while it stood there (memory.stat)"
        yield f"shifted {when}: {text}"
        yield text
    if allocated:
        yield (f"allocated {when}: user pages {size(allocated['user_bytes'])}, kernel "
               f"{size(allocated['kernel_bytes'])}, other {size(allocated['other_bytes'])} (by gfp flags)")
    yield f"near {when}: {near(burst, not killed(burst))}"
    yield f"{when}: {near(burst, not killed(burst))}"
    yield f"who made it rise {counted(risen(burst), 'page')} in the burst at {when}"
    for culprit in burst["culprits"]:
        pages = culprit["pages"]
        yield f"{ANY} {culprit['pid']} {culprit['tid']} {grouped(pages)} {share(pages, risen(burst))}{ANY}"
    for name, pages in (("others", burst["other_pages"]), ("not known", burst["unattributed_pages"])):
        if pages:
            yield f"{name} {grouped(pages)} {share(pages, risen(burst))}"
    if burst["culprits"]:
        of_process = {}
        for culprit in burst["culprits"]:
            of_process[culprit["pid"]] = of_process.get(culprit["pid"], 0) + culprit["pages"]
        percent = max(of_process.values()) * 100 // risen(burst)
        yield f"who {ANY} {percent} % of what rose in the burst at {when}"


def parts(growth, height_bytes):
    names = (("anon", "anon_bytes"), ("page cache", "file_bytes"), ("tmpfs and shared memory", "shmem_bytes"),
             ("kernel", "kernel_bytes"), ("sockets", "sock_bytes"))
    told = [(name, growth[key]) for name, key in names
            if growth[key] and abs(growth[key]) >= height_bytes // 100]
    told.sort(key=lambda part: -abs(part[1]))
    return ", ".join(f"{name} {'-' if value < 0 else '+'}{size(abs(value))}" for name, value in told)


def before(read_ns, event_ns, event):
    if read_ns == event_ns:
        return f"at the {event}"
    return f"{span(abs(read_ns - event_ns))} {'after' if read_ns > event_ns else 'before'} the {event}"


def near(hits, no_kill):
    stalls = hits["stalls"]
    told = []
    if hits["refused_charges"]:
        without = " without a kill" if no_kill else ""
        told.append(f"the limit was hit {times(hits['refused_charges'])}{without}")
    if hits["throttled_charges"]:
        told.append(f"memory.high throttled {times(hits['throttled_charges'])}")
    if stalls["count"]:
        told.append(f"tasks stalled {times(stalls['count'])} in reclaim: {span(stalls['total_ns'])} in all, "
                    f"the longest {span(stalls['longest_ns'])}")
    return "; ".join(told)


def near_of_all(subject):
    def total(key):
        values = [life["near_misses"][key] for life in subject.lives]
        return 0 if None in values else sum(values)

    stalls = {"count": total("stalls"), "total_ns": total("stalled_ns"),
              "longest_ns": max(life["near_misses"]["longest_stall_ns"] for life in subject.lives)}
    hits = {"refused_charges": total("refused_charges"), "throttled_charges": total("throttled_charges")}
    yield f"near {near({**hits, 'stalls': stalls}, not subject.kills)}"


def allocations(subject):
    pages = sum(life["allocations"]["pages"] for life in subject.lives)
    yield f"who allocated {counted(pages, 'page')} in all"
    told = [process for life in subject.lives for process in life["allocations"]["by_process"]]
    told.sort(key=lambda process: -process["pages"])
    for process in told:
        yield f"{ANY} {process['pid']} {grouped(process['pages'])} {share(process['pages'], pages)}"
    for shown in range(len(told) + 1):
        others = pages - sum(process["pages"] for process in told[:shown])
        if others > 0 and pages:
            yield f"others {grouped(others)} {share(others, pages)}"
    by_order = {}
    for life in subject.lives:
        for order, count in enumerate(life["allocations"]["by_order"]):
            by_order[order] = by_order.get(order, 0) + count
    if sum(by_order.values()):
        largest = max(order for order, count in by_order.items() if count)
        permille = by_order[0] * 1000 // sum(by_order.values())
        yield f"allocation order {permille // 10}.{permille % 10} % order 0, largest order {largest}"


def quiet(subject):
    last, peak = subject.last["usage"]["last_bytes"], subject.peak["peak_bytes"]
    limit = "none" if subject.limit is None else size(subject.limit)
    kernel = [life["kernel_peak_bytes"] for life in subject.lives if life["kernel_peak_bytes"] is not None]
    for theirs in ["equal"] if kernel and all(
            life["kernel_peak_bytes"] in (None, life["usage"]["peak_bytes"]) for life in subject.lives) else (
                ["–"] if not kernel else [size(value) for value in kernel]):
        yield f"{ANY} {size(last)} {size(peak)} {theirs} {limit} {ANY}"


TOLD = (headlines, blind_spot, usage, kills, advised, bursts, near_of_all, allocations, quiet)
