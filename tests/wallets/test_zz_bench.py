import asyncio, time, os, sys, statistics
from tests.wallets.world import *
import pytest
from sqlalchemy import text
from tidegate.wallets import watch, pipeline
from tidegate.database import new_id, utcnow

N_ADDR=int(os.environ.get("N_ADDR","10000")); N_DEP=int(os.environ.get("N_DEP","1000"))

async def test_bench(world):
    chain=world.chains["bitcoin"]
    user=await world.user()
    t=time.time()
    await chain.watch(N_ADDR+1500)
    print("watch", time.time()-t); t=time.time()
    node_addrs=await world.bitcoin.rpc.call("deriveaddresses", chain._keys.external, [0,N_ADDR-1])
    users=[await world.user() for _ in range(50)]
    async with world.db.transaction() as s:
        for i in range(0,N_ADDR,1000):
            rows=[{"id":new_id(),"u":users[j%50],"i":j,"a":node_addrs[j]} for j in range(i,min(i+1000,N_ADDR))]
            await s.execute(text("INSERT INTO deposit_addresses (id,user_id,network,index,address,created_at) VALUES (:id,:u,'bitcoin',:i,:a,now())"),rows)
        await s.execute(text("UPDATE address_index SET next_index=:n, watched_upto=:w WHERE family='bitcoin'"),{"n":N_ADDR,"w":N_ADDR+1000})
    print("addresses", time.time()-t); t=time.time()
    await world.scan("bitcoin")
    print("first scan (learns)", time.time()-t)
    for r in range(3):
        t=time.time(); await world.scan_once("bitcoin"); print("idle scan", round(time.time()-t,4))
    step=max(N_ADDR//N_DEP,1)
    outs={node_addrs[(i*step)%N_ADDR]:"0.001" for i in range(N_DEP)}
    keys=list(outs)
    for i in range(0,len(keys),250):
        await world.bitcoin.faucet("sendmany","",{k:outs[k] for k in keys[i:i+250]})
    await world.mine("bitcoin",2)
    async with world.db.reading() as s:
        cursor=(await s.execute(text("SELECT cursor FROM scan_cursors WHERE network='bitcoin'"))).scalar()
    times=[]
    for _ in range(3):
        t=time.time(); ans=await chain._since(cursor); times.append(time.time()-t)
    print("listsinceblock", [round(x,3) for x in times], len(ans["transactions"]))
    t=time.time()
    await world.scan_once("bitcoin")
    total=time.time()-t
    async with world.db.reading() as s:
        n=(await s.execute(text("SELECT count(*) FROM deposits WHERE state='credited'"))).scalar()
    print("seen to credited", round(total,3), n, "ratio", round(total/statistics.median(times),2))
    for r in range(3):
        t=time.time(); await world.scan_once("bitcoin"); print("scan with 1000 open", round(time.time()-t,4))
    await world.mine("bitcoin",1)
    t=time.time(); await world.scan_once("bitcoin"); print("scan, new block, 1000 open", round(time.time()-t,4))
