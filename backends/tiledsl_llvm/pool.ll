; The thread pool: runs the blocks of one launch on the calling thread and on workers.
;
; The caller publishes a job and takes part in it.  A job is cut into tickets of `chunk`
; blocks; whoever is free takes the next one.  The caller waits until every ticket that was
; taken is done, never for a particular worker: a worker that the system does not schedule
; costs nothing.  When the deadline has passed nobody takes another ticket and the caller
; returns the first block not run, so that Python can look at its signals in between.
;
; One job runs in the pool at a time.  A caller that finds it busy runs its blocks itself.
;
; The ticket word is {generation: 32, next ticket: 32}.  A worker that is late by one job
; fails to exchange it, because the generation differs; late by two, it may have read a job
; being overwritten, and fails for the same reason.  A closed word has ticket 2^32 - 1.

%job = type { ptr, ptr, ptr, i64, i64, i64, i64, i64, i64, i64 }
; function, words, arena, arena stride, first block, last block, blocks a ticket (chunk),
; tickets, deadline in ns, workers

@jobs = internal global [2 x %job] zeroinitializer, align 64
@ticket = internal global i64 4294967295, align 64
@done = internal global i64 0, align 64
@generation = internal global i32 0, align 64
@sleepers = internal global i32 0, align 64
@busy = internal global i32 0, align 64
@started = internal global i64 0, align 64

declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_detach(i64)
declare i64 @syscall(i64, ...)
declare i32 @sched_yield()
declare i32 @clock_gettime(i32, ptr)

define internal i64 @now() {
entry:
  %time = alloca [2 x i64], align 8
  %status = call i32 @clock_gettime(i32 1, ptr %time)
  %seconds = load i64, ptr %time, align 8
  %rest.at = getelementptr i64, ptr %time, i64 1
  %rest = load i64, ptr %rest.at, align 8
  %whole = mul i64 %seconds, 1000000000
  %sum = add i64 %whole, %rest
  ret i64 %sum
}

; Runs one ticket's blocks.
define internal void @run.ticket(ptr %job, i64 %number, i64 %who) {
entry:
  %function = load ptr, ptr %job, align 8
  %words.at = getelementptr %job, ptr %job, i64 0, i32 1
  %words = load ptr, ptr %words.at, align 8
  %arena.at = getelementptr %job, ptr %job, i64 0, i32 2
  %arenas = load ptr, ptr %arena.at, align 8
  %stride.at = getelementptr %job, ptr %job, i64 0, i32 3
  %stride = load i64, ptr %stride.at, align 8
  %first.at = getelementptr %job, ptr %job, i64 0, i32 4
  %first = load i64, ptr %first.at, align 8
  %last.at = getelementptr %job, ptr %job, i64 0, i32 5
  %last = load i64, ptr %last.at, align 8
  %chunk.at = getelementptr %job, ptr %job, i64 0, i32 6
  %chunk = load i64, ptr %chunk.at, align 8
  %offset = mul i64 %who, %stride
  %arena = getelementptr i8, ptr %arenas, i64 %offset
  %ahead = mul i64 %number, %chunk
  %begin = add i64 %first, %ahead
  %left = sub i64 %last, %begin
  %count = call i64 @llvm.smin.i64(i64 %left, i64 %chunk)
  %end = add i64 %begin, %count
  call void %function(ptr %words, i64 %begin, i64 %end, ptr %arena)
  ret void
}

declare i64 @llvm.smin.i64(i64, i64)

; Takes tickets of a generation until there are none or the deadline has passed.
define internal void @take.part(i32 %generation, i64 %who) {
entry:
  %mode = call i32 @enter()
  %parity = and i32 %generation, 1
  %job = getelementptr [2 x %job], ptr @jobs, i64 0, i32 %parity
  %tickets.at = getelementptr %job, ptr %job, i64 0, i32 7
  %tickets = load i64, ptr %tickets.at, align 8
  %deadline.at = getelementptr %job, ptr %job, i64 0, i32 8
  %deadline = load i64, ptr %deadline.at, align 8
  br label %look
look:
  %word = load atomic i64, ptr @ticket acquire, align 8
  br label %check
check:
  %seen = phi i64 [ %word, %look ], [ %found, %exchange ]
  %high = lshr i64 %seen, 32
  %current = trunc i64 %high to i32
  %ours = icmp eq i32 %current, %generation
  %number = and i64 %seen, 4294967295
  %open = icmp ult i64 %number, %tickets
  %can = and i1 %ours, %open
  br i1 %can, label %exchange, label %leave
exchange:
  %next = add i64 %seen, 1
  %pair = cmpxchg ptr @ticket, i64 %seen, i64 %next acq_rel acquire
  %found = extractvalue { i64, i1 } %pair, 0
  %won = extractvalue { i64, i1 } %pair, 1
  br i1 %won, label %work, label %check
work:
  call void @run.ticket(ptr %job, i64 %number, i64 %who)
  %before = atomicrmw add ptr @done, i64 1 release
  %time = call i64 @now()
  %late = icmp sgt i64 %time, %deadline
  br i1 %late, label %leave, label %look
leave:
  call void @exit.mode(i32 %mode)
  ret void
}

; A worker: spins for a while, then sleeps, until the generation changes.
define internal ptr @worker(ptr %argument) {
entry:
  %number = ptrtoint ptr %argument to i64
  %who = add i64 %number, 1
  br label %rest
rest:
  %known = phi i32 [ 0, %entry ], [ %current, %joined ], [ %current, %changed ]
  br label %wait
wait:
  %spins = phi i32 [ 0, %rest ], [ %more, %spin ], [ 0, %sleep ]
  %current = load atomic i32, ptr @generation acquire, align 4
  %new = icmp ne i32 %current, %known
  br i1 %new, label %changed, label %idle
idle:
  %more = add i32 %spins, 1
  %awake = icmp slt i32 %more, 2000
  br i1 %awake, label %spin, label %sleep
spin:
  call void @relax()
  br label %wait
sleep:
  %asleep = atomicrmw add ptr @sleepers, i32 1 seq_cst
  %woken = call i64 (i64, ...) @syscall(i64 FUTEX, ptr @generation, i64 128, i32 %known, ptr null, ptr null, i64 0)
  %awake.now = atomicrmw sub ptr @sleepers, i32 1 seq_cst
  br label %wait
changed:
  %parity = and i32 %current, 1
  %job = getelementptr [2 x %job], ptr @jobs, i64 0, i32 %parity
  %workers.at = getelementptr %job, ptr %job, i64 0, i32 9
  %workers = load i64, ptr %workers.at, align 8
  %wanted = icmp slt i64 %number, %workers
  br i1 %wanted, label %joined, label %rest
joined:
  call void @take.part(i32 %current, i64 %who)
  br label %rest
}

; Starts workers up to the number given; fewer if the system refuses.
define internal void @start.workers(i64 %wanted) {
entry:
  %thread = alloca i64, align 8
  br label %loop
loop:
  %count = load i64, ptr @started, align 8
  %missing = icmp slt i64 %count, %wanted
  br i1 %missing, label %create, label %end
create:
  %argument = inttoptr i64 %count to ptr
  %status = call i32 @pthread_create(ptr %thread, ptr null, ptr @worker, ptr %argument)
  %ok = icmp eq i32 %status, 0
  br i1 %ok, label %created, label %end
created:
  %handle = load i64, ptr %thread, align 8
  %detached = call i32 @pthread_detach(i64 %handle)
  %now = add i64 %count, 1
  store i64 %now, ptr @started, align 8
  br label %loop
end:
  ret void
}

; All tickets on the calling thread; the first block not run.
define internal i64 @run.alone(ptr %job) {
entry:
  %mode = call i32 @enter()
  %first.at = getelementptr %job, ptr %job, i64 0, i32 4
  %first = load i64, ptr %first.at, align 8
  %last.at = getelementptr %job, ptr %job, i64 0, i32 5
  %last = load i64, ptr %last.at, align 8
  %chunk.at = getelementptr %job, ptr %job, i64 0, i32 6
  %chunk = load i64, ptr %chunk.at, align 8
  %tickets.at = getelementptr %job, ptr %job, i64 0, i32 7
  %tickets = load i64, ptr %tickets.at, align 8
  %deadline.at = getelementptr %job, ptr %job, i64 0, i32 8
  %deadline = load i64, ptr %deadline.at, align 8
  br label %loop
loop:
  %number = phi i64 [ 0, %entry ], [ %next, %loop ]
  call void @run.ticket(ptr %job, i64 %number, i64 0)
  %next = add i64 %number, 1
  %time = call i64 @now()
  %early = icmp sle i64 %time, %deadline
  %left = icmp slt i64 %next, %tickets
  %go = and i1 %early, %left
  br i1 %go, label %loop, label %end
end:
  call void @exit.mode(i32 %mode)
  %ahead = mul i64 %next, %chunk
  %reached = add i64 %first, %ahead
  %result = call i64 @llvm.smin.i64(i64 %reached, i64 %last)
  ret i64 %result
}

; Runs the job's tickets until they are done or `patience` ns have passed; the first block
; not run.  There is at least one ticket.
define i64 @pool.run(ptr %job, i64 %patience) {
entry:
  %start = call i64 @now()
  %deadline = add i64 %start, %patience
  %deadline.at = getelementptr %job, ptr %job, i64 0, i32 8
  store i64 %deadline, ptr %deadline.at, align 8
  %workers.at = getelementptr %job, ptr %job, i64 0, i32 9
  %workers = load i64, ptr %workers.at, align 8
  %tickets.at = getelementptr %job, ptr %job, i64 0, i32 7
  %tickets = load i64, ptr %tickets.at, align 8
  %several = icmp sgt i64 %tickets, 1
  %help = icmp sgt i64 %workers, 0
  %shared = and i1 %several, %help
  br i1 %shared, label %lock, label %alone
lock:
  %pair = cmpxchg ptr @busy, i32 0, i32 1 acquire monotonic
  %free = extractvalue { i32, i1 } %pair, 1
  br i1 %free, label %publish, label %alone
alone:
  %reached = call i64 @run.alone(ptr %job)
  ret i64 %reached
publish:
  call void @start.workers(i64 %workers)
  %last.generation = load atomic i32, ptr @generation monotonic, align 4
  %generation = add i32 %last.generation, 1
  %parity = and i32 %generation, 1
  %slot = getelementptr [2 x %job], ptr @jobs, i64 0, i32 %parity
  %copy = load %job, ptr %job, align 8
  store %job %copy, ptr %slot, align 8
  store atomic i64 0, ptr @done monotonic, align 8
  %wide = zext i32 %generation to i64
  %word = shl i64 %wide, 32
  store atomic i64 %word, ptr @ticket release, align 8
  store atomic i32 %generation, ptr @generation seq_cst, align 4
  %asleep = load atomic i32, ptr @sleepers seq_cst, align 4
  %any = icmp sgt i32 %asleep, 0
  br i1 %any, label %wake, label %join
wake:
  %woken = call i64 (i64, ...) @syscall(i64 FUTEX, ptr @generation, i64 129, i32 2147483647, ptr null, ptr null, i64 0)
  br label %join
join:
  call void @take.part(i32 %generation, i64 0)
  %closed = or i64 %word, 4294967295
  %final = atomicrmw xchg ptr @ticket, i64 %closed acq_rel
  %next = and i64 %final, 4294967295
  %taken = call i64 @llvm.smin.i64(i64 %next, i64 %tickets)
  br label %wait
wait:
  %spins = phi i64 [ 0, %join ], [ %more, %relaxed ]
  %finished = load atomic i64, ptr @done acquire, align 8
  %complete = icmp eq i64 %finished, %taken
  br i1 %complete, label %end, label %pause
pause:
  call void @relax()
  %more = add i64 %spins, 1
  %long = icmp sgt i64 %more, 2000
  br i1 %long, label %yield, label %relaxed
yield:
  %yielded = call i32 @sched_yield()
  br label %relaxed
relaxed:
  br label %wait
end:
  store atomic i32 0, ptr @busy release, align 4
  %first.at = getelementptr %job, ptr %job, i64 0, i32 4
  %first = load i64, ptr %first.at, align 8
  %last.at = getelementptr %job, ptr %job, i64 0, i32 5
  %last = load i64, ptr %last.at, align 8
  %chunk.at = getelementptr %job, ptr %job, i64 0, i32 6
  %chunk = load i64, ptr %chunk.at, align 8
  %ahead = mul i64 %taken, %chunk
  %stop = add i64 %first, %ahead
  %result = call i64 @llvm.smin.i64(i64 %stop, i64 %last)
  ret i64 %result
}

; A forked child has none of its parent's workers.
define void @pool.forget() {
entry:
  store i64 0, ptr @started, align 8
  store i32 0, ptr @sleepers, align 4
  store i32 0, ptr @busy, align 4
  store i64 4294967295, ptr @ticket, align 8
  ret void
}
