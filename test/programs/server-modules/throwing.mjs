throw new Error('the module threw')
